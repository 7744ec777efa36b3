"""The private folder of a channel's socket, gone with the process that made it, if not at once: the
next one to be made takes away those of processes that were killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from search.executors.processes import boot_id

# of a socket's path, with the byte that ends it: 108 on Linux, 104 on macOS
_MAX_PATH_BYTES = 104
_SOCKET = "socket"


class SocketFolder:
    """A folder closed to others, locked from construction to `remove` or the end of the process,
    however it ends.

    Its path is short enough for a socket; that of a study, or of a cluster job's temporary folder,
    may not be.
    """

    def __init__(self) -> None:
        # a lock is seen on this machine alone, and a temporary folder may be that of several
        prefix = f"search-{boot_id()[:8]}-"
        parent = Path(tempfile.gettempdir())
        if len(os.fsencode(parent / f"{prefix}12345678" / _SOCKET)) >= _MAX_PATH_BYTES:
            parent = Path("/tmp")
        _remove_left(parent, prefix)
        made = Path(tempfile.mkdtemp(prefix="search-new-", dir=parent))
        self._lock = os.open(made, os.O_RDONLY)
        with contextlib.suppress(OSError):
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # locked before it has the name by which others look for what was left
        self._path = made.rename(parent / made.name.replace("search-new-", prefix))

    @property
    def socket(self) -> Path:
        """The path for the socket."""
        return self._path / _SOCKET

    def remove(self) -> None:
        """Remove the folder with the socket in it."""
        shutil.rmtree(self._path, ignore_errors=True)
        os.close(self._lock)


def _remove_left(parent: Path, prefix: str) -> None:
    """Remove the folders of processes that are gone."""
    for folder in parent.glob(f"{prefix}*"):
        # in use, of another user, or removed meanwhile
        with contextlib.suppress(OSError):
            _remove_if_left(folder)


def _remove_if_left(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(opened).st_uid == os.geteuid():
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(opened)
