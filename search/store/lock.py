"""One coordinator a study: a lock that the kernel releases when its holder dies.

The folder itself is locked, so that the lock stays whatever becomes of the files in it and goes
where the folder goes. A file in it says who holds the lock, and is locked as well, for file systems
that lock no folder. On a disk of several machines, whose locks may not meet, the file says that its
holder lives.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from search.errors import StorageError
from search.store.lock_beat import LockBeat, refuse_other_machine
from search.store.placement import is_on_network

# `is_held` holds the lock for a moment, which must not look like another coordinator
_PROBE_S = 0.3
_RETRY_S = 0.02


class StudyLock:
    """Held from construction to `release` or the end of the process, however it ends.

    Args:
        path: the file that says who holds it, in the folder that is locked.

    Raises:
        StorageError: another process holds it.
        FileNotFoundError: its folder is gone.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._beat: LockBeat | None = None
        self._folder = _taken(path.parent, os.O_RDONLY | os.O_DIRECTORY, path)
        try:
            is_shared = is_on_network(path)
            if is_shared:
                refuse_other_machine(path)
            self._file = self._signed()
        except BaseException:
            os.close(self._folder)
            raise
        if is_shared:
            self._beat = LockBeat(path)

    def release(self) -> None:
        if self._beat is not None:
            self._beat.end()
        os.close(self._file)
        os.close(self._folder)

    def has_place(self) -> bool:
        """Whether the folder that is locked is still where it was."""
        return _is_open_at(self._folder, self._path.parent)

    def restore(self) -> None:
        """Put the file back where somebody removed or replaced it.

        Raises:
            StorageError: another process took the lock then, as it can where no folder is locked.
        """
        if not _is_open_at(self._file, self._path):
            file = self._signed()
            os.close(self._file)
            self._file = file
            if self._beat is not None:
                self._beat.write()

    def _signed(self) -> int:
        """The file, open and locked, which says that this process holds the lock."""
        file = _taken(self._path, os.O_RDWR | os.O_CREAT, self._path)
        os.truncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        return file


def is_held(path: Path) -> bool:
    """Whether a coordinator owns the study now."""
    return _is_locked(path.parent) or _is_locked(path)


def _is_locked(path: Path) -> bool:
    try:
        opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # a file system that locks no folder
    finally:
        os.close(opened)
    return False


def _taken(path: Path, flags: int, sign: Path) -> int:
    """A file or folder, open and locked; a folder that no lock can be had of only open.

    Args:
        sign: the file that says who holds the lock.

    Raises:
        StorageError: another process has it.
        FileNotFoundError: it is gone.
    """
    deadline = time.monotonic() + _PROBE_S
    while True:
        opened = os.open(path, flags | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            is_taken = False
        except OSError:
            is_taken = bool(flags & os.O_DIRECTORY)
            if not is_taken:
                os.close(opened)
                raise
        else:
            # a start that came to nothing removes what it made; a lock on that keeps nobody out
            is_taken = _is_open_at(opened, path)
        if is_taken:
            return opened
        os.close(opened)
        if time.monotonic() > deadline:
            raise StorageError(
                f"{sign.parent}: is being run by process {_holder(sign)}. "
                "Wait for it, stop it with Ctrl-C, or run another study."
            )
        time.sleep(_RETRY_S)


def _is_open_at(opened: int, path: Path) -> bool:
    """Whether an open file or folder is the one that has the path now."""
    try:
        return os.path.samestat(os.fstat(opened), path.stat())
    except (FileNotFoundError, NotADirectoryError):
        return False


def _holder(path: Path) -> str:
    try:
        text = path.read_bytes()[:32].decode("ascii", "replace")
    except FileNotFoundError:
        text = ""
    # on a disk of several machines more follows
    return text.partition("\n")[0].strip() or "unknown"
