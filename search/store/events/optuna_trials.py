"""A study as Optuna holds it, made from its events.

The one place that knows the names of our attributes in Optuna's storage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from search.errors import StorageError
from search.store.attributes import NONSENSE, attributes_to_json
from search.store.events.attempts import Attempt
from search.store.events.study_history import StudyHistory
from search.store.events.trial_history import TrialHistory
from search.store.optuna_distributions import to_optuna
from search.store.records import StudyAttributes

# in the user attributes of a study
STUDY = "search"
MICRO_BATCHES = "micro_batches"


@dataclass(frozen=True)
class OptunaStudy:
    """A study with its trials, as Optuna holds them."""

    name: str
    directions: list[StudyDirection]
    user_attributes: dict[str, Any]
    # the samplers' own notes
    system_attributes: dict[str, Any]
    trials: list[FrozenTrial]


def optuna_study(
    name: str,
    attributes: StudyAttributes,
    history: StudyHistory,
    trials: Sequence[TrialHistory],
) -> OptunaStudy:
    """The study that the events tell of.

    Raises:
        StorageError: a parameter is not of the space.
    """
    distributions = {path: to_optuna(each) for path, each in attributes.space.items()}
    return OptunaStudy(
        name=name,
        directions=directions_of(attributes),
        user_attributes=study_user_attributes(attributes, history.micro_batches),
        system_attributes=history.attributes,
        trials=[frozen_trial(trial, distributions) for trial in trials],
    )


def directions_of(attributes: StudyAttributes) -> list[StudyDirection]:
    """Optuna's directions of a study's objectives."""
    return [StudyDirection[each.direction.upper()] for each in attributes.objectives]


def study_user_attributes(
    attributes: StudyAttributes, micro_batches: Mapping[str, int]
) -> dict[str, Any]:
    """Our attributes of a study."""
    told: dict[str, Any] = {STUDY: attributes_to_json(attributes)}
    if micro_batches:
        told[MICRO_BATCHES] = dict(micro_batches)
    return told


def user_attributes(history: TrialHistory) -> dict[str, Any]:
    """Our attributes of a trial, those that say something."""
    told = {
        "attempts": [_attempt_tree(attempt) for attempt in history.attempts],
        "batch": history.sizes,
        "resources": history.resources,
        "metrics": history.metrics,
        "taken_from": history.taken_from,
        "derived": history.derived,
        "enqueued": history.enqueued,
        "baseline": history.baseline,
        "warm_origin": history.warm_origin,
        "branch": None if history.branch is None else asdict(history.branch),
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
    return FrozenTrial(
        number=history.number,
        trial_id=-1,
        state=TrialState[history.state],
        value=None,
        values=history.values,
        params=history.params,
        distributions={path: distributions[path] for path in history.params},
        user_attrs=user_attributes(history),
        system_attrs=history.attributes,
        intermediate_values=history.curve,
        datetime_start=_local(history.sampled),
        datetime_complete=_local(history.ended) if history.is_finished else None,
    )


def _attempt_tree(attempt: Attempt) -> dict[str, Any]:
    record = attempt.record
    tree = {
        "number": record.number,
        "pid": record.pid,
        "boot_id": record.boot_id,
        "started": record.started.isoformat(),
        "ended": record.ended.isoformat() if record.ended else None,
        "cause": record.cause,
        "message": record.message,
        "first_step": attempt.first_step,
    }
    if attempt.may_recur:
        tree["may_recur"] = True
    if record.node:
        tree["node"] = record.node
    return tree


def _local(time: datetime | None) -> datetime:
    return (time or datetime.now(UTC)).astimezone().replace(tzinfo=None)
