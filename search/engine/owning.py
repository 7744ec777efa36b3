"""Owning a study's folder while it is run.

A folder may hold what is the user's, the study file among it: of a start that came to nothing only
what the start itself wrote is removed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from search.engine.creation import written_by_a_start
from search.engine.lock import StudyLock
from search.study.layout import StudyFolder


@contextlib.contextmanager
def owned(folder: StudyFolder, *, is_new: bool) -> Iterator[None]:
    """Hold the lock of a folder; what a start wrote that made no study of it is removed again.

    Args:
        is_new: whether the folder has no study yet.

    Raises:
        StorageError: another process holds it.
    """
    lock, made = _locked(folder)
    there = {path for path in written_by_a_start(folder) if path.exists()} - {folder.lock}
    try:
        yield
    finally:
        # the lock is held until its file is gone, so that no other start builds on what goes
        with contextlib.suppress(OSError):
            if is_new and not folder.study_file.is_file():
                _remove(folder, there, made)
        lock.release()


def _locked(folder: StudyFolder) -> tuple[StudyLock, list[Path]]:
    """The lock, and the folders that were made for it, the innermost first."""
    while True:
        made = [path for path in (folder.root, folder.root.parent) if not path.exists()]
        folder.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        # another start may just be removing the folder that it had made
        with contextlib.suppress(FileNotFoundError):
            return StudyLock(folder.lock), made


def _remove(folder: StudyFolder, there: set[Path], made: list[Path]) -> None:
    for path in written_by_a_start(folder):
        if path not in there:
            path.unlink(missing_ok=True)
    for path in made:
        path.rmdir()
