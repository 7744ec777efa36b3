"""The way of a trial that began at the checkpoint of another, which may have begun at a third."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from search.store.records import StudyRecord, TrialRecord


@dataclass(frozen=True)
class Stretch:
    """The epochs that one trial trained of the weights of another, or of its own."""

    trial: int
    """Its number."""
    first_epoch: int
    """The first of them, from 1."""
    last_epoch: int
    """The last of them; smaller than the first where none has ended yet."""
    params: dict[str, Any]
    """Its parameters."""


def lineage_of(record: StudyRecord, trial: TrialRecord) -> list[Stretch]:
    """The stretches behind a trial, the earliest first and its own last; none of one that began by
    itself."""
    if trial.branch is None:
        return []
    by_number = {each.number: each for each in record.trials}
    found: list[Stretch] = []
    last_epoch, at = trial.furthest_epoch, trial
    while True:
        begun = 0 if at.branch is None else at.branch.epoch
        found.append(Stretch(at.number, begun + 1, last_epoch, at.params))
        # a trial begins at the checkpoint of one before it, whatever a damaged file says
        if at.branch is None or not at.branch.source < at.number:
            break
        source = by_number.get(at.branch.source)
        if source is None:
            break
        last_epoch, at = begun, source
    return found[::-1]
