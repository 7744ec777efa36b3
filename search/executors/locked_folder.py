"""A private folder of one process, gone with it, if not at once: the next one to be made takes away
those of processes that were killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from search.executors.processes import boot_id


def name_prefix() -> str:
    """The beginning of the names of all such folders of this machine, which eight more characters
    follow: a lock is seen on this machine alone, and a temporary folder may be that of several."""
    return f"search-{boot_id()[:8]}-"


class LockedFolder:
    """A folder closed to others, locked from construction to `remove` or the end of the process,
    however it ends.

    Args:
        parent: folder that it is made in.
    """

    def __init__(self, parent: Path) -> None:
        prefix = name_prefix()
        _remove_left(parent, prefix)
        made = Path(tempfile.mkdtemp(prefix="search-new-", dir=parent))
        self._lock = os.open(made, os.O_RDONLY)
        with contextlib.suppress(OSError):
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # locked before it has the name by which others look for what was left
        self.path = made.rename(parent / made.name.replace("search-new-", prefix))

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
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
