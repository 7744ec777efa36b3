"""From the events files of a study to Optuna's form of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import NoneType
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from search.errors import StorageError
from search.layout import StudyFolder, TrialFolder
from search.store.attributes import (
    ASKED,
    ATTEMPTS,
    DERIVED,
    ENQUEUED,
    METRICS,
    MICRO_BATCH,
    NONSENSE,
    RESOURCES_USED,
    SIZES,
    STEPS,
    TAKEN_FROM,
    checked,
    steps_in,
    told_of_nonsense,
)
from search.store.events.event_file import Event, read_events
from search.store.events.trial_history import ATTRIBUTES, FINISHED, TrialHistory, after
from search.study_file.curve_steps import Steps


@dataclass
class StudyHistory:
    """What happened to a study as a whole. `attributes` are the samplers' own notes, `steps` what
    the steps of its curves count."""

    asked: int | None = None
    micro_batches: dict[str, int] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    steps: Steps | None = None


def study_history(folder: StudyFolder) -> StudyHistory:
    """What the events of the study itself add up to.

    Raises:
        StorageError: the file is damaged.
    """
    history = StudyHistory()
    for line, event in enumerate(read_events(folder.events), 1):
        try:
            _apply(history, event)
        except NONSENSE as error:
            raise _wrong(folder.events, line, error) from error
    return history


def _apply(history: StudyHistory, event: Event) -> None:
    if event["event"] == ASKED:
        history.asked = checked(event.get("trials"), int, NoneType)
    elif event["event"] == MICRO_BATCH:
        history.micro_batches[str(event.get("key"))] = int(event.get("size", 0))
    elif event["event"] == ATTRIBUTES:
        history.attributes |= event.get("attributes", {})
    elif event["event"] == STEPS:
        history.steps = steps_in({"steps": event})


def trial_history(folder: TrialFolder) -> TrialHistory | None:
    """What the events of a trial add up to; None where none tells of its sampling.

    Raises:
        StorageError: the file is damaged.
    """
    history: TrialHistory | None = None
    for line, event in enumerate(read_events(folder.events), 1):
        try:
            history = after(history, event)
        except NONSENSE as error:
            raise _wrong(folder.events, line, error) from error
    return history


def _wrong(path: Path, line: int, error: Exception) -> StorageError:
    return StorageError(
        f"{path}: line {line} {told_of_nonsense(error)}. Restore the file from a copy."
    )


def attributes_of_trial(history: TrialHistory) -> dict[str, Any]:
    """Our attributes of a trial, those that say something."""
    told = {
        ATTEMPTS: history.attempts,
        SIZES: history.sizes,
        RESOURCES_USED: history.resources,
        METRICS: history.metrics,
        TAKEN_FROM: history.taken_from,
        DERIVED: history.derived,
        ENQUEUED: history.enqueued,
    }
    return {key: value for key, value in told.items() if value}


def frozen_trial(
    history: TrialHistory, distributions: Mapping[str, BaseDistribution]
) -> FrozenTrial:
    """The trial as Optuna holds it. Optuna's times are local and without a zone.

    Raises:
        StorageError: a parameter is not of the space.
    """
    for path, value in history.params.items():
        try:
            distributions[path].to_internal_repr(value)
        except NONSENSE as error:
            raise StorageError(
                f"trial {history.number}: its events name a value of {path} that study.yaml does "
                "not have. Restore its events.jsonl or study.yaml from a copy."
            ) from error
    is_finished = history.state in FINISHED
    return FrozenTrial(
        number=history.number,
        trial_id=-1,
        state=TrialState[history.state],
        value=None,
        values=history.values,
        params=history.params,
        distributions={path: distributions[path] for path in history.params},
        user_attrs=attributes_of_trial(history),
        system_attrs=history.attributes,
        intermediate_values=history.curve,
        datetime_start=_local(history.sampled),
        datetime_complete=_local(history.ended) if is_finished else None,
    )


def _local(time: datetime | None) -> datetime:
    return (time or datetime.now(UTC)).astimezone().replace(tzinfo=None)
