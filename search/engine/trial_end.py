"""What the end of an attempt makes of its trial: state, values, whether constraints hold.

Pure: writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Any

from optuna.trial import TrialState

from search.engine.attempt_end import MAX_LOSSES, Outcome
from search.messages import (
    DIVERGED,
    DONE,
    ERROR,
    INFEASIBLE,
    INTERRUPTED,
    KILLED,
    LOST,
    PAUSED,
    PRUNED,
)
from search.store.events.trial_history import TrialHistory
from search.store.records import StudyAttributes
from search.study_file.outcome_constraints import violations

MAX_IDLE_ATTEMPTS = 3

_STATES = {
    DONE: TrialState.COMPLETE,
    PRUNED: TrialState.PRUNED,
    # it is no failure of the trial, and TPE learns from it as from a pruned one
    INFEASIBLE: TrialState.PRUNED,
}
# under which Optuna's samplers look for constraints; 0 or less where one holds
_CONSTRAINT = "constraints:"


@dataclass(frozen=True)
class Ending:
    """The end of an attempt and the state of its trial after it."""

    # as it counts
    outcome: Outcome
    state: TrialState
    # of the objectives, where they are known
    values: list[float] | None = None
    # more than the objectives
    metrics: dict[str, float] = field(default_factory=dict)
    # how far each is violated, under the name by which Optuna's samplers read it
    constraints: dict[str, float] = field(default_factory=dict)

    def details(self, *, is_single: bool) -> dict[str, Any]:
        """What its event says: one `value`, or `values` where there are several objectives."""
        details: dict[str, Any] = {"value": None}
        if not is_single:
            details["values"] = self.values
        elif self.values:
            details["value"] = self.values[0]
        return details | ({"metrics": self.metrics} if self.metrics else {})


def ending_of(study: StudyAttributes, trial: TrialHistory, outcome: Outcome) -> Ending:
    """How a trial stands once an attempt at it has ended with `outcome`.

    One that is done without a value of every objective has failed: nothing could be learnt from it.
    """
    is_plain = not study.is_multi_objective and not study.outcome_constraints
    metrics = {} if is_plain else outcome.metrics
    known = trial.outcomes_with(metrics)
    if outcome.cause == DONE:
        outcome = _with_every_value(study, outcome, known)
    state = _state_after(trial, outcome)
    if state is TrialState.FAIL and outcome.cause == LOST:
        text = (
            f"{outcome.message}, as {MAX_LOSSES} in a row were, without a report or checkpoint in "
            "between: the trial may be what takes its nodes down"
        )
        outcome = replace(outcome, message=text)
    if state not in (TrialState.COMPLETE, TrialState.PRUNED):
        return Ending(outcome, state)
    found = violations(study.outcome_constraints, known)
    return Ending(
        outcome,
        state,
        values=_values(study, trial, outcome, known),
        metrics=metrics,
        constraints={f"{_CONSTRAINT}{text}": amount for text, amount in found.items()},
    )


def _with_every_value(
    study: StudyAttributes, outcome: Outcome, known: Mapping[str, float]
) -> Outcome:
    """The outcome of an attempt that is done; an error where an objective has no value, diverged
    where one is not finite."""
    values: dict[str, float | None] = {study.objectives[0].metric: outcome.value}
    if study.is_multi_objective:
        values = {each.metric: known.get(each.metric) for each in study.objectives}
    missing = [metric for metric, value in values.items() if value is None]
    if missing:
        return Outcome(ERROR, message=f"ended without a value of {', '.join(missing)}")
    for metric, value in values.items():
        if value is not None and not isfinite(value):
            return Outcome(DIVERGED, message=f"{metric} became {value}")
    return outcome


def _values(
    study: StudyAttributes, trial: TrialHistory, outcome: Outcome, known: Mapping[str, float]
) -> list[float] | None:
    if study.is_multi_objective:
        # of a pruned trial not all are known
        return [known[each.metric] for each in study.objectives] if outcome.cause == DONE else None
    value = outcome.value
    if outcome.cause != DONE and (curve := trial.curve):
        value = curve[max(curve)]
    return None if value is None else [value]


def _state_after(trial: TrialHistory, outcome: Outcome) -> TrialState:
    """A trial that was interrupted, killed or lost waits to go on, but a third attempt killed
    without a new report or checkpoint ends it, and a tenth one lost; so does a third one whose
    memory ran out before training began."""
    if outcome.cause in (INTERRUPTED, PAUSED) or outcome.goes_on:
        return TrialState.WAITING
    idle, lost = _in_a_row(trial)
    if (outcome.cause == KILLED or outcome.may_recur) and idle + 1 < MAX_IDLE_ATTEMPTS:
        return TrialState.WAITING
    if outcome.cause == LOST and lost + 1 < MAX_LOSSES:
        return TrialState.WAITING
    return _STATES.get(outcome.cause, TrialState.FAIL)


def _in_a_row(trial: TrialHistory) -> tuple[int, int]:
    """Count the attempts before the one that ends now that were killed, and those that were lost,
    one after another without a new report or checkpoint, of the present one neither.

    Those of one kind do not end the row of the other, which else might never end. An attempt that
    gave the trial a smaller batch was not idle.
    """
    step, before = trial.last_step, list(trial.attempts)
    if before and before[-1].record.ended is None:
        current = before.pop()
        if current.first_step != step or current.got_on:
            return 0, 0
    idle = lost = 0
    for attempt in reversed(before):
        if attempt.first_step != step or not (attempt.is_idle or attempt.is_lost):
            break
        idle += attempt.is_idle
        lost += attempt.is_lost
    return idle, lost
