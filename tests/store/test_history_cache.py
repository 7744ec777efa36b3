"""The cache of histories: never seen but by the clock, whatever becomes of it or of the events."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmarks.made_study import make_study

from search.engine.attempt_end import Outcome
from search.engine.ledger import Ledger
from search.engine.opening import open_ledger, plan
from search.errors import StorageError
from search.layout import StudyFolder
from search.messages import DONE
from search.store.events import study_history
from search.store.events.history_cache import complete_cache
from search.store.reading import read_study
from search.store.recorded_study import recorded_study
from search.store.records import StudyRecord
from search.study_file.load import parse_study_tree

TREE = {
    "model": {"class_path": "tiny.Tiny"},
    "objective": {"metric": "val_loss"},
    "space": {"model.init_args.lr": {"float": [1e-3, 1e-1]}},
    "sampler": "random",
}
LATER_NS = 60_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    """A study of 5 trials whose histories are cached."""
    folder = StudyFolder(tmp_path / "demo")
    make_study(folder.root, trials=5, reports=3)
    complete_cache(folder, recorded_study(folder).trials, time.time_ns() + LATER_NS)
    assert folder.histories.is_file()
    return folder


def without_cache(folder: StudyFolder) -> StudyRecord:
    folder.histories.rename(folder.histories.with_suffix(".aside"))
    record = read_study(folder)
    folder.histories.with_suffix(".aside").rename(folder.histories)
    return record


def forbid_folding(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise AssertionError(f"{path} is folded again")

    monkeypatch.setattr(study_history, "trial_history", refuse)


def edit_unseen(path: Path, old: str, new: str) -> None:
    """Change a file and keep its size and the time it was written."""
    assert len(old) == len(new)
    status = path.stat()
    path.write_text(path.read_text().replace(old, new, 1))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size


def test_cached_histories_are_those_of_the_events(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folded = without_cache(folder)
    forbid_folding(monkeypatch)
    # as the database would get it: 9 is not 9.0
    assert repr(read_study(folder)) == repr(folded)


def test_edit_that_leaves_size_and_time_is_shown(folder: StudyFolder) -> None:
    events = folder.trial(2).events
    edit_unseen(events, '"parameters": 9', '"parameters": 7')
    assert read_study(folder).trials[2].parameters == 7


def test_damaged_events_are_told_although_they_are_cached(folder: StudyFolder) -> None:
    edit_unseen(folder.trial(1).events, '"event": "measured"', '"event": [measured]')
    with pytest.raises(StorageError, match="line 7 is not an event"):
        read_study(folder)


def test_trial_that_is_gone_is_not_shown_from_the_cache(folder: StudyFolder) -> None:
    shutil.rmtree(folder.trial(1).root)
    folder.trial(3).events.unlink()
    states = [trial.state for trial in read_study(folder).trials]
    assert states == ["COMPLETE", "FAIL", "COMPLETE", "FAIL", "COMPLETE"]


def test_copy_of_a_study_is_read_from_its_own_events(folder: StudyFolder, tmp_path: Path) -> None:
    copy = StudyFolder(tmp_path / "copy")
    shutil.copytree(folder.root, copy.root)
    edit_unseen(copy.trial(0).events, '"parameters": 9', '"parameters": 8')
    assert [trial.parameters for trial in read_study(copy).trials] == [8, 9, 9, 9, 9]


def test_swapped_trials_are_shown_as_they_lie(folder: StudyFolder) -> None:
    before = without_cache(folder)
    first, second, aside = folder.trial(0).root, folder.trial(1).root, folder.trials / "aside"
    first.rename(aside)
    second.rename(first)
    aside.rename(second)
    values = [trial.value for trial in read_study(folder).trials]
    expected = [trial.value for trial in before.trials]
    assert values == [expected[1], expected[0], *expected[2:]]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "torn header": lambda content: content[:9],
    "torn entry": lambda content: content[: len(content) // 2],
    "another release": lambda content: content.replace(b"histories 2", b"histories 1", 1),
    "a flipped bit": lambda content: content[:-200] + bytes([content[-200] ^ 1]) + content[-199:],
    "a stranger's": lambda content: content[:30] + os.urandom(1000),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_cache_changes_nothing(folder: StudyFolder, damage: str) -> None:
    folded = without_cache(folder)
    folder.histories.write_bytes(DAMAGES[damage](folder.histories.read_bytes()))
    assert read_study(folder) == folded


def test_events_that_changed_while_they_were_read_are_not_cached(folder: StudyFolder) -> None:
    folder.histories.unlink()
    complete_cache(folder, recorded_study(folder).trials, time.time_ns())
    assert not folder.histories.exists() or folder.histories.read_bytes().count(b"\n") == 1


def a_ledger(root: Path) -> Ledger:
    study_file = parse_study_tree(TREE, source="study.yaml", default_name="demo")
    return open_ledger(plan(StudyFolder(root / "demo"), study_file, None), None)


def add_trial(ledger: Ledger, value: float) -> int:
    number = ledger.sample()
    ledger.begin_attempt(number, os.getpid())
    ledger.report(number, 1, 1, value)
    ledger.set_resources(number, {"parameters": 9, "epoch_time": 1.0, "peak_memory": 1 << 40})
    ledger.end_attempt(number, Outcome(DONE, value))
    return number


def test_trial_that_ended_is_cached_by_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = a_ledger(tmp_path)
    values = [1.0, float("inf"), 0.5]
    for value in values:
        add_trial(ledger, value)
    running = ledger.sample()
    ledger.begin_attempt(running, os.getpid())
    ledger.close()
    folded = without_cache(ledger.folder)
    assert repr(read_study(ledger.folder)) == repr(folded)
    shutil.rmtree(ledger.folder.trial(running).root)
    forbid_folding(monkeypatch)
    assert read_study(ledger.folder).trials == folded.trials[:3]


def test_edit_while_the_trial_runs_is_what_is_cached(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    number = ledger.sample()
    ledger.begin_attempt(number, os.getpid())
    ledger.set_resources(number, {"parameters": 9, "epoch_time": None, "peak_memory": None})
    edit_unseen(ledger.folder.trial(number).events, '"parameters": 9', '"parameters": 7')
    ledger.end_attempt(number, Outcome(DONE, 1.0))
    ledger.close()
    assert read_study(ledger.folder).trials[0].parameters == 7


def test_cache_that_cannot_be_written_is_not_missed(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    ledger.folder.histories.mkdir()
    add_trial(ledger, 1.0)
    ledger.close()
    ledger = a_ledger(tmp_path)
    ledger.close()
    assert [trial.value for trial in read_study(ledger.folder).trials] == [1.0]
