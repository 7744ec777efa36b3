"""A study that a new one may learn from, as it is read: its direction and its finished trials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from search.messages import INFEASIBLE
from search.store.records import TrialRecord

SEVERAL_OBJECTIVES = (
    "has several objectives, which put its trials in no order. Name a study of one, or write what "
    "is to be tried under enqueue."
)


@dataclass(frozen=True)
class EarlierTrial:
    """A trial of an earlier study that finished, and kept to its constraints."""

    number: int
    # by the names that its study has for them
    params: Mapping[str, Any]
    # None where it was pruned
    value: float | None
    # reported values by step
    curve: Mapping[int, float]


@dataclass(frozen=True)
class EarlierStudy:
    """An earlier study."""

    # minimize or maximize
    direction: str
    trials: tuple[EarlierTrial, ...]
    # where it lies, the same whatever it was named by; empty where it was not read from a disk
    address: str = ""


def finished_frozen(trials: Iterable[FrozenTrial]) -> tuple[EarlierTrial, ...]:
    """Those of Optuna's trials that finished, and kept to their constraints."""
    return tuple(
        EarlierTrial(
            each.number,
            each.params,
            each.value if each.state == TrialState.COMPLETE else None,
            each.intermediate_values,
        )
        for each in trials
        if each.state in (TrialState.COMPLETE, TrialState.PRUNED)
        and all(violation <= 0 for violation in each.constraints.values())
    )


def finished_records(trials: Iterable[TrialRecord]) -> tuple[EarlierTrial, ...]:
    """The same of the trials of a study of ours."""
    return tuple(
        EarlierTrial(
            each.number,
            each.params,
            each.value if each.state == "COMPLETE" else None,
            each.curve,
        )
        for each in trials
        if each.state in ("COMPLETE", "PRUNED")
        # one that ended before it was trained may be within limits that were raised since
        and not (each.infeasible or each.cause == INFEASIBLE)
    )
