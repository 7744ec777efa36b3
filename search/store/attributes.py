"""What the ledger keeps in Optuna's attributes, and how a record is read back from it.

The one place that knows the names of our attributes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from types import NoneType
from typing import Any

from search.errors import printable
from search.layout import StudyFolder
from search.space.distributions import Space, fields_of, from_fields
from search.store.records import AttemptRecord, ObjectiveRecord, TrialRecord
from search.study_file.curve_steps import UNITS, Steps
from search.study_file.outcome_constraints import EPOCH_TIME, RESOURCES, violations

ATTEMPTS = "attempts"
SIZES = "batch"
RESOURCES_USED = "resources"
METRICS = "metrics"
STUDY = "search"
MICRO_BATCHES = "micro_batches"
TAKEN_FROM = "taken_from"
DERIVED = "derived"
ENQUEUED = "enqueued"

# what reading a value raises that no study wrote
NONSENSE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
DIRECTIONS = ("minimize", "maximize")
STATES = ("WAITING", "RUNNING", "COMPLETE", "PRUNED", "FAIL")

# what happens to a study as a whole, in its own events file
ASKED = "asked"
MICRO_BATCH = "micro_batch"
STEPS = "steps"


@dataclass(frozen=True)
class StudyAttributes:
    """What a study says of itself; enough to show it without its study file.

    `reported` is the metric of the curves, one of the objectives'; `steps` what their steps count,
    None in a study of an earlier release.
    """

    objectives: tuple[ObjectiveRecord, ...]
    reported: str
    outcome_constraints: tuple[str, ...]
    asked: int | None
    space: Space
    settings: dict[str, Any]
    steps: Steps | None = None

    @property
    def several(self) -> tuple[ObjectiveRecord, ...]:
        """The objectives where there is more than one."""
        return self.objectives if len(self.objectives) > 1 else ()

    @property
    def reported_index(self) -> int:
        """The place of the reported metric among the objectives."""
        return [each.metric for each in self.objectives].index(self.reported)

    def to_json(self) -> dict[str, Any]:
        tree = {
            **asdict(self.objectives[0]),
            "asked": self.asked,
            "space": {path: fields_of(each) for path, each in self.space.items()},
            "settings": self.settings,
        }
        if self.several:
            tree["objectives"] = [asdict(each) for each in self.several]
            tree["reported"] = self.reported
        if self.outcome_constraints:
            tree["outcome_constraints"] = list(self.outcome_constraints)
        if self.steps is not None:
            tree[STEPS] = asdict(self.steps)
        return tree


def study_attributes(tree: Mapping[str, Any]) -> StudyAttributes:
    """The inverse of `StudyAttributes.to_json`.

    Raises:
        ValueError, TypeError, LookupError: nothing that `to_json` returns.
    """
    first = {
        "metric": tree.get("metric", "value"),
        "direction": tree.get("direction", "minimize"),
    }
    return StudyAttributes(
        objectives=tuple(_objective(each) for each in tree.get("objectives", [first])),
        reported=checked(tree.get("reported", first["metric"]), str),
        outcome_constraints=tuple(
            checked(text, str) for text in tree.get("outcome_constraints", ())
        ),
        asked=checked(tree.get("asked"), int, NoneType),
        space={path: from_fields(fields) for path, fields in tree.get("space", {}).items()},
        settings=checked(tree.get("settings", {}), dict),
        steps=steps_in(tree),
    )


def steps_in(tree: Mapping[str, Any]) -> Steps | None:
    """What `steps` of a tree says; None where there is none.

    Raises:
        ValueError, TypeError, LookupError: nothing that a study writes.
    """
    steps = tree.get(STEPS)
    if steps is None:
        return None
    samples = checked(steps.get("epoch_samples"), int, NoneType)
    at_ends = checked(steps.get("at_epoch_ends", False), bool)
    return Steps(one_of(steps["unit"], UNITS), samples, at_ends)


def shown_of(study: StudyAttributes) -> dict[str, Any]:
    """The fields of a `StudyRecord` that its attributes say."""
    first = study.objectives[0]
    return {
        "metric": first.metric,
        "direction": first.direction,
        "space": study.space,
        "asked": study.asked,
        "settings": study.settings,
        "several": study.several,
        "reported": study.reported,
        "outcome_constraints": study.outcome_constraints,
        "steps": study.steps,
    }


def trial_record(
    *,
    number: int,
    state: str,
    params: dict[str, Any],
    values: Sequence[float],
    curve: dict[int, float],
    attributes: Mapping[str, Any],
    outcome_constraints: Sequence[str],
    folder: Path,
) -> TrialRecord:
    """A record out of what Optuna stores; times are those of the attempts.

    Raises:
        ValueError, TypeError, LookupError: something in it is of a kind that is never stored.
    """
    outcomes = outcomes_of(attributes)
    violated = violations(outcome_constraints, outcomes)
    attempts = tuple(attempt_record(attempt) for attempt in attributes.get(ATTEMPTS, ()))
    sizes = attributes.get(SIZES, {})
    is_finished = state in ("COMPLETE", "PRUNED", "FAIL")
    return TrialRecord(
        number=number,
        state=one_of(state, STATES),
        params=params,
        value=values[0] if values else None,
        values=tuple(values),
        curve=dict(sorted(curve.items())),
        folder=StudyFolder(folder).trial(number).root,
        cause=attempts[-1].cause if attempts else None,
        message=attempts[-1].message if attempts else None,
        started=attempts[0].started if attempts else None,
        ended=attempts[-1].ended if attempts and is_finished else None,
        micro_batch=checked(sizes.get("micro_batch"), int, NoneType),
        accumulation=checked(sizes.get("accumulation"), int, NoneType),
        effective_batch=checked(sizes.get("effective_batch"), int, NoneType),
        derived=dict(checked(attributes.get(DERIVED, {}), dict)),
        attempts=attempts,
        taken_from=checked(attributes.get(TAKEN_FROM), str, NoneType),
        **_resources(attributes),
        metrics={name: outcomes[name] for name in attributes.get(METRICS, {})},
        infeasible=tuple(text for text, violation in violated.items() if violation > 0),
    )


def outcomes_of(attributes: Mapping[str, Any]) -> dict[str, float]:
    """What is known of a trial's outcome by its attributes: resources and logged metrics."""
    known = {**attributes.get(RESOURCES_USED, {}), **attributes.get(METRICS, {})}
    return {name: float(value) for name, value in known.items() if value is not None}


def _resources(attributes: Mapping[str, Any]) -> dict[str, Any]:
    kinds: dict[str, tuple[type, ...]] = {EPOCH_TIME: (float, int)}
    given = attributes.get(RESOURCES_USED, {})
    return {
        name: checked(given.get(name), *kinds.get(name, (int,)), NoneType) for name in RESOURCES
    }


def _objective(tree: Mapping[str, Any]) -> ObjectiveRecord:
    direction = one_of(tree["direction"], DIRECTIONS)
    return ObjectiveRecord(checked(tree["metric"], str), direction)


def attempt_record(tree: Mapping[str, Any]) -> AttemptRecord:
    """An attempt as `history.attempts_after` wrote it."""
    ended = tree.get("ended")
    return AttemptRecord(
        number=checked(tree["number"], int),
        pid=checked(tree["pid"], int),
        boot_id=checked(tree["boot_id"], str),
        started=datetime.fromisoformat(tree["started"]),
        ended=datetime.fromisoformat(ended) if ended else None,
        cause=checked(tree.get("cause"), str, NoneType),
        message=checked(tree.get("message"), str, NoneType),
    )


def told_of_nonsense(error: Exception) -> str:
    """What a user is told of one of `NONSENSE`, to stand after the place."""
    reason = printable(f"{type(error).__name__}: {error}", 200)
    return f"says what no study writes ({reason})"


def checked(value: Any, *kinds: type) -> Any:
    """The value, if it is of one of the `kinds`; a database from others may say anything.

    Raises:
        TypeError: it is of another.
    """
    if type(value) not in kinds:
        raise TypeError(f"{type(value).__name__} where {kinds[0].__name__} is written")
    return value


def one_of(value: Any, known: Collection[str]) -> str:
    """The value, if it is one of the `known` words.

    Raises:
        ValueError: it is another.
    """
    if value not in known:
        raise ValueError(f"{value!r} is none of {', '.join(known)}")
    return str(value)
