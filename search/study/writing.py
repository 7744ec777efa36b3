"""Writing files that another process may be reading: each is the old one or the whole new one."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_whole(path: Path, text: str, *, mode: int = 0o666) -> None:
    """Write a file so that another process sees the old one or the whole new one, and so does the
    next one after a power cut.

    Half a character, which a stranger's text may hold, is written as its escape.

    Args:
        mode: who may read and write it; the umask takes from that.

    Raises:
        OSError: it cannot be written.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    temporary = path.with_name(f".{path.name}.tmp")
    with naming(path):
        # made anew, so that a link that lies there is not written through
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
            file.flush()
            # else a power cut can leave an empty file under the new name
            os.fsync(file.fileno())
        temporary.replace(path)


def keep_copy(source: Path, target: Path) -> None:
    """Make `target` the same file as `source`, without writing it twice where possible."""
    temporary = target.with_name(f".{target.name}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except OSError:
        shutil.copyfile(source, temporary)
    temporary.replace(target)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an error of the operating system tell the file; one of a full disk does not."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise
