"""One coordinator a study: a lock that the kernel releases when its holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from search.errors import StorageError

# `is_held` holds the lock for a moment, which must not look like another coordinator
_PROBE_S = 0.3
_RETRY_S = 0.02


class StudyLock:
    """Held from construction to `release` or the end of the process, however it ends.

    Raises:
        StorageError: another process holds it.
        FileNotFoundError: its folder is gone.
    """

    def __init__(self, path: Path) -> None:
        deadline = time.monotonic() + _PROBE_S
        while (file := _taken(path)) is None:
            if time.monotonic() > deadline:
                raise StorageError(
                    f"{path.parent}: is being run by process {_holder(path)}. "
                    "Wait for it, stop it with Ctrl-C, or run another study."
                )
            time.sleep(_RETRY_S)
        self._file = file
        os.truncate(self._file, 0)
        os.write(self._file, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        os.close(self._file)


def is_held(path: Path) -> bool:
    """Whether a coordinator owns the study now."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _taken(path: Path) -> int | None:
    """The open and locked file; None while somebody else has it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # a start that came to nothing removes its file; a lock on that one keeps nobody out
        if os.path.samestat(os.fstat(file), path.stat()):
            return file
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(file)
        raise
    os.close(file)
    return None


def _holder(path: Path) -> str:
    try:
        text = path.read_bytes()[:32].decode("ascii", "replace")
    except FileNotFoundError:
        text = ""
    return text.strip() or "unknown"
