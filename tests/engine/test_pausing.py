"""The scheduler of an open study, as the ledger and the coordinator use it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from search.engine.attempt_end import Outcome
from search.engine.batch_sizes import BatchPlan
from search.engine.coordinator import Coordinator
from search.engine.deadline import Deadline
from search.engine.ledger import Ledger
from search.engine.opening import open_ledger, plan
from search.engine.pausing import first_pause
from search.engine.progress import Event, Note
from search.engine.request import RunRequest
from search.engine.running_attempts import FailureStreak
from search.engine.signals import SignalWatch
from search.errors import UserError
from search.layout import StudyFolder, TrialFolder
from search.messages import (
    DIVERGED,
    DONE,
    INTERRUPTED,
    KILLED,
    PAUSED,
    Ended,
    Exited,
    Launched,
    Message,
    Reported,
    Slot,
    SlotOpened,
)
from search.store.lock import StudyLock
from search.store.ownership import Ownership
from search.store.reading import read_study
from search.store.study_state import spent_by
from search.study_file.curve_steps import EPOCHS, SAMPLES, Steps
from search.study_file.load import parse_study_tree

TREE = {
    "model": {"class_path": "tiny.Tiny"},
    "trainer": {"max_epochs": 9},
    "objective": {"metric": "val_loss"},
    "space": {"model.init_args.lr": {"float": [1e-3, 1e-1], "log": True}},
    "scheduler": {"name": "asha", "min_resource": 1, "reduction_factor": 2},
}


def opened(folder: StudyFolder, steps: Steps | None = None, **changes: object) -> Ledger:
    tree = {**TREE, **changes}
    study_file = parse_study_tree(tree, source="study.yaml", default_name=folder.name)
    return open_ledger(plan(folder, study_file, None), 10, steps=steps or Steps(EPOCHS))


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path / "studies" / "study")


def reported(ledger: Ledger, value: float, cause: str = PAUSED) -> int:
    """A trial that reports once, and whose attempt ends."""
    number = ledger.sample()
    ledger.begin_attempt(number, os.getpid())
    judgement = ledger.judge(number, 1, value)
    ledger.report(number, 1, 1, value, judgement)
    ledger.end_attempt(number, Outcome(cause))
    return number


@pytest.mark.parametrize("cause", [PAUSED, INTERRUPTED, KILLED])
def test_trial_that_was_told_to_wait_waits_however_its_attempt_ended(
    folder: StudyFolder, cause: str
) -> None:
    ledger = opened(folder)
    number = reported(ledger, 0.5, cause)
    for each in (ledger, opened(folder)):
        assert each.pausing.paused == [number]
        assert each.waiting() == []
        shown = each.trial(number)
        assert shown.state_word == "paused"
        assert shown.message == "0.5 at epoch 1 is number 1 of 1; one of 2 goes on, so far 0"


def test_new_trials_are_sampled_while_others_are_paused(folder: StudyFolder) -> None:
    ledger = opened(folder)
    first = reported(ledger, 0.5)
    assert reported(ledger, 0.7) == first + 1
    assert ledger.choose(is_idle=False) == first
    assert ledger.sample() == first + 2


def test_chosen_trial_whose_process_never_began_is_chosen_again_once(folder: StudyFolder) -> None:
    ledger = opened(folder)
    first = reported(ledger, 0.5)
    reported(ledger, 0.7)
    assert ledger.choose(is_idle=False) == first
    # its fork server died before the process was there
    ledger.end_attempt(first, Outcome(KILLED))
    assert ledger.waiting() == []
    assert ledger.choose(is_idle=False) == first
    assert ledger.choose(is_idle=False) is None


def test_samplers_see_what_is_paused_as_pruned(folder: StudyFolder) -> None:
    ledger = opened(folder)
    number = reported(ledger, 0.5)
    seen = {trial.number: trial for trial in ledger._study.get_trials(deepcopy=False)}
    assert seen[number].state.name == "PRUNED"
    assert seen[number].intermediate_values == {1: 0.5}
    ledger.choose(is_idle=True)
    seen = {trial.number: trial for trial in ledger._study.get_trials(deepcopy=False)}
    assert seen[number].state.name == "RUNNING"


def test_samplers_see_what_a_paused_trial_is_predicted_to_come_to(folder: StudyFolder) -> None:
    ledger = opened(folder, scheduler={"name": "thaw", "min_resource": 1})
    numbers = [reported(ledger, 0.5 + place / 10) for place in range(3)]
    for each in (ledger, opened(folder, scheduler={"name": "thaw", "min_resource": 1})):
        seen = {trial.number: trial for trial in each._study.get_trials(deepcopy=False)}
        assert {seen[number].state.name for number in numbers} == {"COMPLETE"}
        values = [seen[number].value for number in numbers]
        assert values == sorted(values)
        assert values == [each.pausing.predicted(number) for number in numbers]


def test_failures_with_paused_trials_between_them_are_none_in_a_row(tmp_path: Path) -> None:
    streak = FailureStreak()
    for _ in range(10):
        assert not streak.note("FAIL", Outcome(DIVERGED), tmp_path, None)
        assert not streak.note("WAITING", Outcome(PAUSED), tmp_path, None)
    assert streak.verdict is None


def test_first_pause_comes_after_a_second_of_training() -> None:
    assert first_pause(1, 0.01) == 100
    assert first_pause(1, 0.3) == 4
    assert first_pause(1, 60.0) == 1


def test_first_pause_is_measured_once_for_the_study(folder: StudyFolder) -> None:
    ledger = opened(folder, scheduler="asha")
    assert not ledger.pausing.is_begun
    number = ledger.sample()
    ledger.begin_attempt(number, os.getpid())
    assert not ledger.judge(number, 1, 0.5).pause
    ledger.report(number, 1, 1, 0.5)
    ledger.set_first_pause(2)
    assert ledger.judge(number, 2, 0.5).pause
    again = opened(folder, scheduler="asha")
    assert again.pausing.is_begun


def test_scheduler_that_cannot_work_is_refused_before_anything_is_made(folder: StudyFolder) -> None:
    with pytest.raises(UserError, match="hyperband needs to know how far a trial is trained"):
        opened(folder, steps=Steps(SAMPLES), scheduler="hyperband")
    assert not folder.root.exists()


class Halved:
    """An executor whose attempts report once and end as they are told to: the first attempt at a
    trial is paused, the next one is done. Values get worse from trial to trial."""

    def __init__(self) -> None:
        self._said: list[tuple[str, Message]] = []

    def need_slots(self, count: int) -> None: ...

    def open_slots(self, wanted: Sequence[Slot]) -> None:
        self._said += [(f"slot {place}", SlotOpened(slot)) for place, slot in enumerate(wanted)]

    def start(self, attempt: str, task: str, folder: TrialFolder, slot: Slot) -> None:
        begun = folder.events.read_text().count('"attempt_started"')
        value = float(int(folder.root.name) + 1)
        ends = Ended(PAUSED) if not begun else Ended(DONE, value)
        said = (Launched(attempt, 0), Reported(begun + 1, begun + 1, value), ends)
        self._said += [(attempt, message) for message in (*said, Exited(attempt, 0))]

    def poll(self, timeout_s: float) -> list[tuple[str, Message]]:
        said, self._said = self._said, []
        return said

    def send(self, attempt: str, message: Message) -> None: ...

    def kill(self, attempt: str, *, dump: bool = False) -> None: ...


class Notes:
    """A view that keeps what it is told in words."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def handle(self, event: Event) -> None:
        if isinstance(event, Note):
            self.texts.append(event.text)

    def tick(self) -> None: ...

    def close(self) -> None: ...


def run(folder: StudyFolder, total: int) -> Sequence[str]:
    """Run a study to its end; returns what its view was told."""
    study_file = parse_study_tree(TREE, source="study.yaml", default_name=folder.name)
    folder.root.mkdir(parents=True)
    view = Notes()
    coordinator = Coordinator(
        request=RunRequest(folder, study_file, "study.yaml", folder.root, trials=total),
        ledger=open_ledger(plan(folder, study_file, None), total, steps=Steps(EPOCHS)),
        executor=Halved(),  # type: ignore[arg-type]
        view=view,
        batches=BatchPlan("off", None, None, ()),
        slots=[Slot(1)],
        deadline=Deadline(None),
        signals=SignalWatch(),
        ownership=Ownership(folder, StudyLock(folder.lock)),
    )
    assert coordinator.run() == "finished"
    return view.texts


def test_study_of_paused_trials_ends_with_its_best_trained_to_the_end(folder: StudyFolder) -> None:
    assert run(folder, 3)[-1] == "2 paused trials will not go on: others were better"
    assert [trial.state for trial in read_study(folder).trials] == ["COMPLETE", "PRUNED", "PRUNED"]


def test_full_disk_gives_up_the_worst_paused_trial_and_goes_on(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def free(_: Path) -> int:
        events = [path.read_text() for path in folder.trials.glob("*/events.jsonl")]
        is_full = sum('"paused"' in text for text in events) == 3
        return 0 if is_full and not any('"closed"' in text for text in events) else 1 << 40

    # a disk that is as full as its test wants it cannot be had without root
    monkeypatch.setattr("search.store.retention.free_bytes", free)
    told = run(folder, 4)
    assert any(text.startswith("paused: 0 MiB of disk are free") for text in told)
    assert "1 paused trial will not go on: the disk is full" in told
    trials = read_study(folder).trials
    assert trials[2].state == "PRUNED"
    assert trials[0].state == "COMPLETE"
    assert {trial.state for trial in trials} == {"COMPLETE", "PRUNED"}


def test_study_ends_whose_last_paused_trial_was_what_filled_the_disk(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def free(_: Path) -> int:
        events = [path.read_text() for path in folder.trials.glob("*/events.jsonl")]
        is_held = any('"paused"' in text and '"closed"' not in text for text in events)
        return 0 if len(events) == 2 and is_held else 1 << 40

    monkeypatch.setattr("search.store.retention.free_bytes", free)
    monkeypatch.setattr("search.engine.disk_watch._GIVE_UP_S", 0.0)
    told = run(folder, 2)
    assert told.count("1 paused trial will not go on: the disk is full") == 2
    assert {trial.state for trial in read_study(folder).trials} == {"PRUNED"}


def test_closed_trials_are_no_tries_without_a_new_best(folder: StudyFolder) -> None:
    run(folder, 3)
    record = read_study(folder)
    assert sum(trial.is_closed for trial in record.trials) == 2
    assert spent_by(record).since_best == 0
