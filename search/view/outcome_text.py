"""Objectives, values and resources as short text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from search.plain.durations import duration
from search.store.records import ObjectiveRecord, StudyRecord, TrialRecord
from search.study_file.outcome_constraints import EPOCH_TIME, RESOURCES, resource_text
from search.view.terminal_text import clean, number


def aims(record: StudyRecord) -> str:
    """`minimize val_loss, minimize parameters`."""
    return ", ".join(f"{each.direction} {clean(each.metric)}" for each in record.objectives)


def outcome(metric: str, value: float | None) -> str:
    """A value of a metric: resources with their units, anything else as a number."""
    if value is None:
        return number(None)
    if metric == EPOCH_TIME:
        return duration(value)
    return resource_text(metric, value) or number(value)


def outcomes(objectives: Sequence[ObjectiveRecord], values: Sequence[float]) -> str:
    """`val_loss 0.25  parameters 1,234`."""
    return "  ".join(
        f"{clean(each.metric)} {outcome(each.metric, value)}"
        for each, value in zip(objectives, values, strict=False)
    )


def resources(trial: TrialRecord) -> str:
    """`12,345 parameters, 1.2 s an epoch, 310.5 MiB at most`; a dash for what is not known."""
    parameters, epoch, memory = (outcome(name, getattr(trial, name)) for name in RESOURCES)
    return f"{parameters} parameters, {epoch} an epoch, {memory} at most"
