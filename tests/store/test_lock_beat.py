"""The lock of a study on a disk of several machines, where another one's lock is not seen."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from search.errors import StorageError
from search.executors.processes import boot_id
from search.store import lock, lock_beat
from search.store.lock import StudyLock

OTHER = "4711\nfar\nanother-boot\n{:08d}\n"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a lock on a network disk, whose beats are quick."""
    monkeypatch.setattr(lock, "is_on_network", lambda _: True)
    monkeypatch.setattr(lock_beat, "_BEAT_S", 0.02)
    monkeypatch.setattr(lock_beat, "_LOOK_S", 0.01)
    monkeypatch.setattr(lock_beat, "_WATCH_S", 0.5)
    return tmp_path / ".lock"


@pytest.fixture
def living(path: Path) -> Iterator[None]:
    """Another machine that has the lock."""
    is_over = threading.Event()

    def beat() -> None:
        count = 0
        while not is_over.wait(0.02):
            count += 1
            path.write_text(OTHER.format(count))

    path.write_text(OTHER.format(0))
    thread = threading.Thread(target=beat)
    thread.start()
    yield
    is_over.set()
    thread.join()


def test_study_that_another_machine_runs_is_refused(path: Path, living: None) -> None:
    with pytest.raises(StorageError, match=r"is being run by process 4711 on far\. Wait for it"):
        StudyLock(path)


def test_study_whose_machine_is_gone_can_be_run(path: Path) -> None:
    path.write_text(OTHER.format(7))
    held = StudyLock(path)
    said = path.read_text().split()
    assert said[:1] + said[2:3] == [str(os.getpid()), boot_id()]
    held.release()


def test_holder_says_that_it_lives_until_it_gives_the_lock_back(path: Path) -> None:
    held = StudyLock(path)
    before = path.read_text()
    assert lock_beat._BEAT_S < 1
    grown = threading.Event()
    for _ in range(500):
        if path.read_text() != before:
            break
        grown.wait(0.01)
    assert path.read_text() > before
    # one that somebody removed is put back with all that it said
    path.unlink()
    held.restore()
    assert len(path.read_text().split()) == 4
    held.release()
    assert path.read_text() == ""
    # which nobody waits for
    StudyLock(path).release()


def test_lock_of_a_disk_of_one_machine_says_the_process_alone(tmp_path: Path) -> None:
    held = StudyLock(tmp_path / ".lock")
    assert (tmp_path / ".lock").read_text() == f"{os.getpid()}\n"
    held.release()
