"""Owning a study's folder while it is run.

A folder may hold what is the user's, the study file among it: of a start that came to nothing only
what the start itself wrote is removed. Folder, study file and database may be moved or removed by
anybody at any time; their owner looks after them, because what is written beside them is lost.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from search.errors import StorageError, UserError
from search.layout import StudyFolder
from search.plain.whole_files import write_whole
from search.store.creation import written_by_a_start
from search.store.lock import StudyLock


class Ownership:
    """A study's folder in the hands of its coordinator.

    Args:
        lock: held for as long as this is used.
    """

    def __init__(self, folder: StudyFolder, lock: StudyLock) -> None:
        self._folder = folder
        self._lock = lock
        self._study_file: str | None = None
        self._events: IO[bytes] | None = None
        self._database: os.stat_result | None = None

    @property
    def has_study(self) -> bool:
        """Whether there is a study in the folder, whose files are never removed."""
        return self._study_file is not None

    def note_study(self) -> None:
        """Note that the study is made: it has a study file, and a database that is open."""
        self._study_file = self._folder.study_file.read_text("utf-8")
        # what is open can be read to its end, wherever its name went
        self._events = self._folder.events.open("rb")
        if self._folder.db.exists():
            self._database = self._folder.db.stat()

    def check(self) -> list[str]:
        """Look after the folder; returns a line for each file that was put back.

        Raises:
            StorageError: folder or database were moved or removed, so that nothing more can be
                written.
        """
        if not self._lock.has_place():
            raise StorageError(
                f"{self._folder.root}: was moved or removed while the study runs. Put it back, "
                "then run the same command again."
            )
        if self._database is not None and not _is_at(self._folder.db, self._database):
            raise StorageError(
                f"{self._folder.db}: was moved or removed while the study runs. Put it back, or "
                "make it again from the events of the trials: "
                f"`search rebuild {self._folder.name}`. Then run the same command again."
            )
        self._lock.restore()
        restored = []
        if self._study_file is not None and not self._folder.study_file.exists():
            write_whole(self._folder.study_file, self._study_file)
            restored.append(self._folder.study_file)
        if self._events is not None and not _is_at(
            self._folder.events, os.fstat(self._events.fileno())
        ):
            self._events = _with_what_was_lost(self._folder.events, self._events)
            restored.append(self._folder.events)
        return [f"{path}: was moved or removed, and is written again" for path in restored]

    def close(self) -> None:
        """Close what is open."""
        if self._events is not None:
            self._events.close()


@contextlib.contextmanager
def owned(folder: StudyFolder, *, is_new: bool) -> Iterator[Ownership]:
    """Hold the lock of a folder; what a start wrote that made no study of it is removed again.

    Args:
        is_new: whether the folder has no study yet.

    Raises:
        StorageError: another process holds it.
    """
    lock, made = _locked(folder)
    there = {path for path in written_by_a_start(folder) if path.exists()} - {folder.lock}
    has_agents = folder.agents.exists()
    ownership = Ownership(folder, lock)
    try:
        yield ownership
    except UserError as error:
        # one that names their log leaves it there
        has_agents = has_agents or str(folder.agents) in str(error)
        raise
    finally:
        # the lock is held until its file is gone, so that no other start builds on what goes
        with contextlib.suppress(OSError):
            if is_new and not ownership.has_study and not _holds_study(folder) and lock.has_place():
                if not has_agents:
                    shutil.rmtree(folder.agents, ignore_errors=True)
                _remove(folder, there, made)
        ownership.close()
        lock.release()


def _with_what_was_lost(path: Path, lost: IO[bytes]) -> IO[bytes]:
    """Write the events file of a study again, open, with what was appended since in a new one."""
    lost.seek(0)
    later = path.read_bytes() if path.exists() else b""
    write_whole(path, (lost.read() + later).decode())
    lost.close()
    return path.open("rb")


def _is_at(path: Path, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), status)
    except FileNotFoundError:
        return False


def _holds_study(folder: StudyFolder) -> bool:
    return folder.study_file.is_file() or folder.trials.exists()


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
