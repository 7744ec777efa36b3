"""The watch over what a running study has spent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from report.records import START, study, trial

from search.engine.budget_watch import BudgetWatch
from search.engine.deadline import Deadline
from search.store.records import AttemptRecord, TrialRecord
from search.study_file.stopping_rules import Gain, StoppingRules


class Clock:
    def __init__(self) -> None:
        self.now = START.timestamp()

    def __call__(self) -> float:
        return self.now


def ran(number: int, seconds: float, value: float | None, **more: Any) -> TrialRecord:
    """A finished trial of one attempt."""
    ended = START + timedelta(seconds=seconds)
    attempt = AttemptRecord(1, 7, "boot", START, ended, "done")
    state = "FAIL" if value is None else "COMPLETE"
    return trial(number, state, value, started=START, ended=ended, attempts=(attempt,), **more)


def watch(*trials: TrialRecord, **rules: Any) -> tuple[BudgetWatch, Clock]:
    clock = Clock()
    record = study(*trials, stopping=StoppingRules(**rules))
    return BudgetWatch(record, Deadline(None), clock), clock


def test_study_without_rules_goes_on() -> None:
    budget, _ = watch(ran(0, 1e9, 0.5, epochs=10**9))
    assert (budget.over, budget.counts_epochs) == (None, False)


def test_epochs_of_earlier_runs_and_of_every_attempt_count() -> None:
    budget, _ = watch(ran(0, 5, 0.5, epochs=7), epochs=10)
    assert budget.counts_epochs
    for number, epochs in ((1, 1), (2, 1), (1, 1)):
        budget.report(number, epochs)
        assert budget.over is None
    budget.report(2, 2)
    assert budget.over == "budget"


def test_cost_grows_while_attempts_run_side_by_side() -> None:
    budget, clock = watch(ran(0, 40, 0.5), cost_s=100.0)
    budget.begin(1)
    clock.now += 20
    budget.begin(2)
    clock.now += 19
    assert budget.over is None
    clock.now += 1
    assert budget.over == "budget"
    # what is kept is the time that the events tell
    budget.end(ran(1, 30, 0.6))
    assert budget.over is None
    clock.now += 10
    assert budget.over == "budget"


def test_attempt_that_had_no_process_costs_nothing() -> None:
    budget, _ = watch(cost_s=1.0)
    budget.end(ran(0, 50, None))
    assert budget.over is None


@pytest.mark.parametrize("rule", ["target", "no_improvement"])
def test_best_value_is_that_of_complete_trials_that_keep_to_the_limits(rule: str) -> None:
    limits = {"target": 0.3, "no_improvement": 3}
    budget, _ = watch(ran(0, 5, 0.5), **{rule: limits[rule]})
    budget.end(ran(1, 5, 0.2, infeasible=("parameters <= 3",)))
    budget.end(replace(ran(2, 5, 0.2), state="PRUNED"))
    assert budget.over is None
    budget.end(ran(3, 5, 0.3))
    assert budget.over == ("budget" if rule == "target" else None)


def test_scheduler_is_asked_for_what_is_left_to_gain_once_enough_trials_brought_no_best() -> None:
    asked: list[Gain] = []

    def expected(gain: Gain) -> Gain:
        asked.append(gain)
        return gain

    much, noise = Gain(0.1, 0.1), Gain(0.001, 0.1)
    budget, _ = watch(ran(0, 5, 0.5), no_gain=2)
    budget.end(ran(1, 5, 0.6))
    assert budget.note_gain(lambda: expected(noise)) is None
    assert asked == []
    budget.end(ran(2, 5, 0.6))
    assert budget.note_gain(lambda: expected(much)) is None
    assert budget.note_gain(lambda: None) is None
    assert budget.over is None
    assert budget.note_gain(lambda: expected(noise)) == noise
    assert budget.over == "budget"
    # a trial that was saved meanwhile and became the best goes before it
    budget.end(ran(3, 5, 0.4))
    assert budget.over is None


def test_trial_that_waits_is_not_finished() -> None:
    budget, _ = watch(ran(0, 5, 0.5), no_improvement=1)
    budget.end(replace(ran(1, 5, 0.9), state="WAITING"))
    assert budget.over is None
    budget.end(ran(1, 5, 0.9))
    assert budget.over == "budget"


def test_time_of_the_run_goes_before_the_rules_of_the_study() -> None:
    record = study(ran(0, 5, 0.5), stopping=StoppingRules(target=1.0))
    assert BudgetWatch(record, Deadline(None)).over == "budget"
    assert BudgetWatch(record, Deadline(-1.0)).over == "timeout"
