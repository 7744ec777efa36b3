"""What the ledger keeps in Optuna's attributes, and how a record is read back from it.

The one place that knows the names of our attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from search.engine.records import AttemptRecord, TrialRecord
from search.study.layout import StudyFolder
from search.study.space import Choice, Distribution, FloatRange, IntRange, Space

ATTEMPTS = "attempts"
SIZES = "batch"
STUDY = "search"
MICRO_BATCHES = "micro_batches"
TAKEN_FROM = "taken_from"

# what happens to a study as a whole, in its own events file
ASKED = "asked"
MICRO_BATCH = "micro_batch"

_KINDS: dict[str, type[FloatRange] | type[IntRange] | type[Choice]] = {
    "float": FloatRange,
    "int": IntRange,
    "choice": Choice,
}


@dataclass(frozen=True)
class StudyAttributes:
    """What a study says of itself; enough to show it without its study file."""

    metric: str
    direction: str
    asked: int | None
    space: Space
    settings: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "direction": self.direction,
            "asked": self.asked,
            "space": {path: _kind_and_fields(dist) for path, dist in self.space.items()},
            "settings": self.settings,
        }


def study_attributes(tree: Mapping[str, Any]) -> StudyAttributes:
    """The inverse of `StudyAttributes.to_json`."""
    space: Space = {}
    for path, fields in tree.get("space", {}).items():
        given = dict(fields)
        kind = _KINDS[given.pop("kind")]
        space[path] = kind(**_with_tuples(given))
    return StudyAttributes(
        metric=tree.get("metric", "value"),
        direction=tree.get("direction", "minimize"),
        asked=tree.get("asked"),
        space=space,
        settings=tree.get("settings", {}),
    )


def trial_record(
    *,
    number: int,
    state: str,
    params: dict[str, Any],
    value: float | None,
    curve: dict[int, float],
    attributes: Mapping[str, Any],
    folder: Path,
) -> TrialRecord:
    """A record out of what Optuna stores; times are those of the attempts."""
    attempts = tuple(attempt_record(attempt) for attempt in attributes.get(ATTEMPTS, ()))
    sizes = attributes.get(SIZES, {})
    is_finished = state in ("COMPLETE", "PRUNED", "FAIL")
    return TrialRecord(
        number=number,
        state=state,
        params=params,
        value=value,
        curve=dict(sorted(curve.items())),
        folder=StudyFolder(folder).trial(number).root,
        cause=attempts[-1].cause if attempts else None,
        message=attempts[-1].message if attempts else None,
        started=attempts[0].started if attempts else None,
        ended=attempts[-1].ended if attempts and is_finished else None,
        micro_batch=sizes.get("micro_batch"),
        accumulation=sizes.get("accumulation"),
        effective_batch=sizes.get("effective_batch"),
        attempts=attempts,
    )


def attempt_record(tree: Mapping[str, Any]) -> AttemptRecord:
    """An attempt as `history.attempts_after` wrote it."""
    ended = tree.get("ended")
    return AttemptRecord(
        number=tree["number"],
        pid=tree["pid"],
        boot_id=tree["boot_id"],
        started=datetime.fromisoformat(tree["started"]),
        ended=datetime.fromisoformat(ended) if ended else None,
        cause=tree.get("cause"),
        message=tree.get("message"),
    )


def _kind_and_fields(distribution: Distribution) -> dict[str, Any]:
    kind = next(name for name, cls in _KINDS.items() if isinstance(distribution, cls))
    return {"kind": kind, **asdict(distribution)}


def _with_tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in fields.items()}
