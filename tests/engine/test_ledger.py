"""The ledger on a real database: numbers, states, attempts, totals."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import optuna
import pytest

from search.engine.attempt_end import Outcome
from search.engine.judgement import Judgement
from search.engine.ledger import Ledger
from search.engine.opening import open_ledger, plan
from search.errors import StorageError
from search.layout import StudyFolder
from search.messages import DIVERGED, DONE, INTERRUPTED, KILLED, PRUNED
from search.store.events.event_file import read_events
from search.store.reading import read_study
from search.study_file.load import parse_study_tree

TREE = {
    "model": {"class_path": "tiny.Tiny"},
    "objective": {"metric": "val_loss"},
    "space": {
        "model.init_args.lr": {"float": [1e-3, 1e-1], "log": True},
        "model.init_args.width": {"int": [2, 64]},
        "model.init_args.mode": {"choice": ["fine", 3, None]},
    },
    "pruner": {"name": "median", "n_startup_trials": 1},
}


def opened(
    folder: StudyFolder, n_trials: int | None = 10, note: Callable[[str], None] = pytest.fail
) -> Ledger:
    study_file = parse_study_tree(TREE, source="study.yaml", default_name=folder.name)
    return open_ledger(plan(folder, study_file, None), n_trials, note=note)


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path / "studies" / "study")


@pytest.fixture
def ledger(folder: StudyFolder) -> Ledger:
    return opened(folder)


def trained(ledger: Ledger, *curve: float, cause: str = DONE) -> int:
    """One trial from its sample to its end."""
    number = ledger.sample()
    ledger.begin_attempt(number, os.getpid())
    for step, value in enumerate(curve, 1):
        ledger.report(number, step, step, value)
    ledger.end_attempt(number, Outcome(cause, curve[-1] if cause == DONE else None))
    return number


def test_numbers_count_up_and_every_end_has_its_state(ledger: Ledger) -> None:
    ends = [trained(ledger, 0.5, cause=cause) for cause in (DONE, PRUNED, DIVERGED)]
    assert ends == [0, 1, 2]
    assert [t.state for t in ledger.record().trials] == ["COMPLETE", "PRUNED", "FAIL"]
    assert ledger.finished == ledger.created == 3


def test_interrupted_trial_waits_with_its_curve_and_keeps_its_number(ledger: Ledger) -> None:
    number = trained(ledger, 0.9, 0.8, cause=INTERRUPTED)
    assert ledger.waiting() == [number]
    assert ledger.finished == 0
    ledger.claim(number)
    ledger.begin_attempt(number, os.getpid())
    ledger.report(number, 2, 2, 0.8)
    ledger.report(number, 3, 3, 0.7)
    ledger.end_attempt(number, Outcome(DONE, 0.7))
    trial = ledger.trial(number)
    assert (trial.state, trial.value, trial.curve) == ("COMPLETE", 0.7, {1: 0.9, 2: 0.8, 3: 0.7})
    assert [attempt.cause for attempt in trial.attempts] == [INTERRUPTED, DONE]


def test_third_killed_attempt_without_progress_ends_the_trial(ledger: Ledger) -> None:
    number = ledger.sample()
    states = []
    for attempt in range(4):
        if attempt:
            ledger.claim(number)
        ledger.begin_attempt(number, os.getpid())
        if attempt == 0:
            ledger.report(number, 1, 1, 0.5)
        states.append(ledger.end_attempt(number, Outcome(KILLED)).state.name)
    # the first one got somewhere
    assert states == ["WAITING", "WAITING", "WAITING", "FAIL"]


def killed(ledger: Ledger, number: int, saved_epoch: int | None) -> str:
    ledger.claim(number)
    ledger.begin_attempt(number, os.getpid())
    if saved_epoch is not None:
        ledger.set_saved(number, 1.0, saved_epoch)
    return ledger.end_attempt(number, Outcome(KILLED)).state.name


def test_attempt_that_wrote_a_checkpoint_further_on_is_progress(
    folder: StudyFolder, ledger: Ledger
) -> None:
    number = trained(ledger, *[0.5] * 20, cause=KILLED)
    for epoch in (2, 6, 10, 14):
        # it repeats what was reported before
        assert killed(ledger, number, epoch) == "WAITING"
    ledger = opened(folder)
    ends = [killed(ledger, number, epoch) for epoch in (14, None, 2)]
    assert ends == ["WAITING", "WAITING", "FAIL"]


def test_heal_puts_running_trials_back(folder: StudyFolder, ledger: Ledger) -> None:
    number = ledger.sample()
    ledger.begin_attempt(number, 2**22 - 1)
    ledger.report(number, 1, 1, 0.5)
    sampled_only = ledger.sample()
    again = opened(folder)
    assert again.heal() == [number, sampled_only]
    assert again.waiting() == [number, sampled_only]
    assert again.trial(number).attempts[0].cause == INTERRUPTED
    assert again.trial(number).curve == {1: 0.5}
    # nobody saw it end: its time is that until its last sign of life, not until the next start
    told = [event["time"] for event in read_events(folder.trial(number).events)]
    ended = again.trial(number).attempts[0].ended
    assert ended is not None
    assert ended.isoformat() == told[-2]
    assert read_study(folder).trials[number] == again.trial(number)


def test_trials_of_other_machines_are_known_until_their_attempts_end(
    folder: StudyFolder, ledger: Ledger
) -> None:
    there, here = ledger.sample(), ledger.sample()
    ledger.begin_attempt(there, 7, node="n2", boot="b2")
    ledger.begin_attempt(here, os.getpid())
    again = opened(folder)
    assert again.elsewhere == {there: "n2"}
    again.heal()
    assert again.elsewhere == {}


def test_verdict_compares_with_the_trials_before(ledger: Ledger) -> None:
    trained(ledger, 0.5, 0.4)
    trained(ledger, 0.5, 0.4)
    number = ledger.sample()
    assert not ledger.judge(number, 1, 0.1).prune
    verdict = ledger.judge(number, 1, 0.9)
    assert verdict.prune
    assert verdict.why == (
        "0.9, its best up to validation 1, is above the median there, 0.5, of 2 trials"
    )


def test_verdict_on_a_step_that_is_reported_again_is_the_one_that_was_given(
    folder: StudyFolder, ledger: Ledger
) -> None:
    number = ledger.sample()
    ledger.begin_attempt(number, os.getpid())
    for step in (1, 2):
        assert not ledger.judge(number, step, 0.9).prune
        ledger.report(number, step, step, 0.9)
    ledger.end_attempt(number, Outcome(KILLED))
    ledger.claim(number)
    for _ in range(2):
        trained(ledger, 0.5, 0.4, 0.3)
    ledger.begin_attempt(number, os.getpid())
    # the other trials would have it pruned now
    assert not ledger.judge(number, 1, 0.9).prune
    assert not ledger.judge(number, 2, 0.9).prune
    assert ledger.judge(number, 3, 0.9).prune
    ledger.report(number, 3, 3, 0.9, Judgement(prune=True))
    again = opened(folder)
    again.heal()
    assert [again.judge(number, step, 0.9).prune for step in (1, 2, 3)] == [False, False, True]


def test_verdict_to_prune_goes_with_its_pruner(
    folder: StudyFolder, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = ledger.sample()
    ledger.begin_attempt(number, os.getpid())
    ledger.report(number, 1, 1, 0.9, Judgement(prune=True))
    monkeypatch.setitem(TREE, "pruner", "none")
    again = opened(folder)
    again.heal()
    assert not again.judge(number, 1, 0.9).prune


def test_what_optuna_reads_is_what_the_ledger_says(folder: StudyFolder, ledger: Ledger) -> None:
    trained(ledger, 0.5, 0.25)
    trained(ledger, 0.5, float("inf"), cause=PRUNED)
    trained(ledger, 0.5, float("nan"), cause=DIVERGED)
    stored = optuna.load_study(study_name="study", storage=f"sqlite:///{folder.db}").trials
    records = ledger.record().trials
    assert [t.state.name for t in stored] == [r.state for r in records]
    assert [t.params for t in stored] == [r.params for r in records]
    assert [t.value for t in stored] == [r.value for r in records]
    assert [repr(t.intermediate_values) for t in stored] == [repr(r.curve) for r in records]


def test_read_study_says_what_the_ledger_says(folder: StudyFolder, ledger: Ledger) -> None:
    trained(ledger, 0.5, 0.25)
    trained(ledger, 0.5, float("inf"), cause=PRUNED)
    ledger.set_sizes(ledger.sample(), {"micro_batch": 8, "accumulation": 2, "effective_batch": 16})
    read, record = read_study(folder), ledger.record()
    assert read.trials == record.trials
    assert (read.space, read.metric, read.n_trials) == (
        record.space,
        record.metric,
        record.n_trials,
    )


def test_total_of_trials_is_remembered(folder: StudyFolder, ledger: Ledger) -> None:
    opened(folder, n_trials=77)
    assert read_study(folder).n_trials == 77


def test_events_tell_the_whole_trial_in_strict_json(ledger: Ledger) -> None:
    number = trained(ledger, 0.5, float("nan"), cause=DIVERGED)
    lines = ledger.folder.trial(number).events.read_text().splitlines()
    events = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    assert [event["event"] for event in events] == [
        "sampled",
        "attempt_started",
        "reported",
        "reported",
        "attempt_ended",
    ]
    assert events[3]["value"] == "nan"
    assert set(events[0]["params"]) == set(TREE["space"])  # type: ignore[arg-type]


def test_micro_batches_are_remembered(folder: StudyFolder, ledger: Ledger) -> None:
    ledger.common.set_micro_batch("abc", 64)
    assert opened(folder).common.micro_batch("abc") == 64
    assert opened(folder).common.micro_batch("other") is None


def test_sampling_reads_no_trial_back(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it reads would grow with every trial."""
    trained(ledger, 0.5)
    for reading in ("get_all_trials", "get_n_trials"):
        monkeypatch.setattr(optuna.storages.RDBStorage, reading, pytest.fail)
    assert trained(ledger, 0.5) == 1


def test_trial_that_another_tool_adds_is_found_before_the_next_is_written(
    folder: StudyFolder, ledger: Ledger
) -> None:
    trained(ledger, 0.5)
    url = f"sqlite:///{folder.db}"
    optuna.create_study(storage=url, study_name="another").ask()
    # a trial of another study in the same database is none of this one
    assert trained(ledger, 0.5) == 1
    optuna.load_study(study_name="study", storage=url).ask()
    with pytest.raises(StorageError, match="another tool added a trial to the study"):
        ledger.sample()
    assert not folder.trial(2).events.exists()


def test_trial_that_another_tool_added_is_not_picked_up(folder: StudyFolder) -> None:
    ledger = opened(folder)
    trained(ledger, 0.5)
    study = optuna.load_study(study_name="study", storage=f"sqlite:///{folder.db}")
    study.enqueue_trial({"model.init_args.width": 7})
    lines: list[str] = []
    ledger = opened(folder, note=lines.append)
    assert lines == [
        f"{folder.db}: differed from the events of the study and is written anew; "
        f"the one before is {folder.db}.before-1"
    ]
    assert ledger.created == 1
    assert trained(ledger, 0.5) == 1
    trials = optuna.load_study(study_name="study", storage=f"sqlite:///{folder.db}").trials
    assert [trial.state.name for trial in trials] == ["COMPLETE", "COMPLETE"]


def test_claimed_trial_that_never_began_leaves_the_database_in_agreement(
    folder: StudyFolder, ledger: Ledger
) -> None:
    number = trained(ledger, 0.5, cause=INTERRUPTED)
    ledger.claim(number)
    assert ledger.waiting() == []
    lines: list[str] = []
    assert opened(folder, note=lines.append).waiting() == [number]
    assert lines == []
