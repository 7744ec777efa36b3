"""Writing files that another process may be reading: each is the old one or the whole new one."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import IO, Any

# what a study holds is its owner's alone
PRIVATE, PRIVATE_FOLDER = 0o600, 0o700


def write_whole(path: Path, text: str, *, mode: int = PRIVATE) -> None:
    """Write a file so that another process sees the old one or the whole new one, and so does the
    next one after a power cut.

    Half a character, which a stranger's text may hold, is written as its escape.

    Args:
        mode: who may read and write it, its owner alone without it; the umask takes from that.

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


@contextmanager
def open_privately(path: Path, mode: str) -> Iterator[IO[Any]]:
    """Open a file of a study, which its owner alone may read where it is made by this.

    Args:
        mode: of `open`, to write.

    Raises:
        OSError: it cannot be opened.
    """
    with naming(path), open(path, mode, opener=_private_opener) as file:
        yield file


def make_private(path: Path) -> None:
    """Make an empty file that its owner alone may read, for what would make it for everybody."""
    with open_privately(path, "ab"):
        pass


def make_folder(path: Path) -> None:
    """Make a folder of a study, and those it lies in, closed to other users where they are new."""
    if not path.parent.exists():
        make_folder(path.parent)
    path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def close_to_others(root: Path) -> None:
    """Take from a folder and all in it what others may do there."""
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            path.chmod(PRIVATE_FOLDER if path.is_dir() else PRIVATE)


def _private_opener(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE)


def is_unfinished(path: PurePath) -> bool:
    """Whether a path is that of a file or folder that is being written, or was cut off, or below
    one."""
    return any(part.startswith(".") and part.endswith(".tmp") for part in path.parts)


def keep_copy(source: Path, target: Path) -> None:
    """Make `target` the same file or folder as `source`, without writing it twice if possible."""
    temporary = target.with_name(f".{target.name}.tmp")
    discard(temporary)
    if source.is_dir():
        shutil.copytree(source, temporary, copy_function=_link_or_copy)
    else:
        _link_or_copy(source, temporary)
    put_in_place(temporary, target)


def put_in_place(temporary: Path, target: Path) -> None:
    """Give a file or folder that is whole its name; `recover` mends what a kill leaves of it."""
    if not target.is_dir():
        temporary.replace(target)
        # of two names of one file rename removes neither
        temporary.unlink(missing_ok=True)
        return
    # no folder can be renamed over another that is not empty
    aside = _aside(target)
    discard(aside)
    target.rename(aside)
    temporary.rename(target)
    discard(aside)


def recover(target: Path) -> None:
    """Give a folder its name back that `put_in_place` was killed while it replaced it."""
    aside = _aside(target)
    if aside.is_dir() and not target.exists():
        aside.rename(target)


def discard(path: Path) -> None:
    """Remove a file or a folder with all that is in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def files_of(path: Path) -> list[Path]:
    """The file, or every file in the folder, in order; none where there is neither."""
    if not path.is_dir():
        return [path] if path.is_file() else []
    return sorted(each for each in path.rglob("*") if each.is_file())


def _aside(target: Path) -> Path:
    return target.with_name(f".{target.name}.old.tmp")


def _link_or_copy(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an error of the operating system tell the file; one of a full disk does not."""
    try:
        yield
    except OSError as error:
        error.filename = str(path)
        raise
