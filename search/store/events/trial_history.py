"""What the events of a trial add up to. Pure: reads no file, knows no database.

The ledger applies the same functions to an event before it writes what follows to the database, so
that the two cannot tell different stories.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import NoneType
from typing import Any

from optuna.trial import FrozenTrial

from search.messages import ERROR
from search.store.attributes import (
    ATTEMPTS,
    STATES,
    attempt_record,
    checked,
    one_of,
)
from search.store.events.event_file import Event

SAMPLED = "sampled"
ATTRIBUTES = "attributes"
ATTEMPT_STARTED = "attempt_started"
DERIVED_SET = "derived"
SIZES_SET = "sizes"
MEASURED = "measured"
REPORTED = "reported"
ATTEMPT_ENDED = "attempt_ended"
RECALLED = "recalled"

# how `events.strict` writes the numbers that JSON has not
_NOT_FINITE = ("inf", "-inf", "nan")
FINISHED = ("COMPLETE", "PRUNED", "FAIL")
Attempts = list[dict[str, Any]]


@dataclass
class TrialHistory:
    """One trial as its events tell it. `values` are those of the objectives, `resources` what it
    took, `metrics` what it logged besides; `attributes` are the sampler's and pruner's own notes,
    `taken_from` where a trial of an extended study comes from, `derived` what follows from
    `params`, `enqueued` the place in the queue that it took."""

    number: int
    params: dict[str, Any]
    state: str = "RUNNING"
    values: list[float] | None = None
    curve: dict[int, float] = field(default_factory=dict)
    attempts: Attempts = field(default_factory=list)
    sizes: dict[str, Any] = field(default_factory=dict)
    resources: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    taken_from: str | None = None
    derived: dict[str, Any] = field(default_factory=dict)
    enqueued: int | None = None
    sampled: datetime | None = None
    ended: datetime | None = None


def fold(events: Sequence[Event]) -> TrialHistory | None:
    """The history of a trial; None where its sampling was never written.

    Raises:
        KeyError, TypeError, ValueError: an event lacks what its kind has.
    """
    history: TrialHistory | None = None
    for event in events:
        history = after(history, event)
    return history


def after(history: TrialHistory | None, event: Event) -> TrialHistory | None:
    """The history once `event` happened, too; the one given is changed.

    Raises:
        KeyError, TypeError, ValueError: the event lacks what its kind has.
    """
    if history is not None and event["event"] != SAMPLED:
        _apply(history, event)
    elif history is None and event["event"] == SAMPLED:
        history = _begun(event)
    return history


def attempts_after(attempts: Sequence[Mapping[str, Any]], event: Event) -> Attempts:
    """The attempts of a trial once `event` happened; only starts and ends change them."""
    before = [dict(attempt) for attempt in attempts]
    if event["event"] == ATTEMPT_STARTED:
        return [*before, _attempt(event, event["attempt"], event["pid"], event["boot_id"])]
    if event["event"] != ATTEMPT_ENDED:
        return before
    if not before or before[-1]["ended"] is not None:
        if event["cause"] == "interrupted":
            return before
        # it failed before its own process began, in the probe
        before.append(_attempt(event, len(before) + 1, 0, ""))
    before[-1] |= {
        "ended": event["time"],
        "cause": event["cause"],
        "message": event["message"],
        **({"may_recur": True} if event.get("may_recur") else {}),
    }
    return before


def details_of(event: Event) -> dict[str, Any]:
    """What an event says besides its kind and time."""
    return {key: value for key, value in event.items() if key not in ("time", "event")}


def _values(event: Event) -> list[float] | None:
    """The values of a trial that ended: `values` for several objectives, else `value`."""
    values = event.get("values")
    if values is None and event["value"] is not None:
        values = [event["value"]]
    return None if values is None else [float(value) for value in values]


def _attempt(event: Event, number: int, pid: int, boot_id: str) -> dict[str, Any]:
    return {
        "number": number,
        "pid": pid,
        "boot_id": boot_id,
        "started": event["time"],
        "ended": None,
        "cause": None,
        "message": None,
        "first_step": event["step"],
    }


def _numbers(told: Mapping[str, Any]) -> dict[str, Any]:
    """What was infinite or NaN is a number again, not its name."""
    return {key: float(each) if each in _NOT_FINITE else each for key, each in told.items()}


def _begun(event: Event) -> TrialHistory:
    return TrialHistory(
        number=checked(event["number"], int),
        params=dict(event["params"]),
        attributes=_numbers(event.get("attributes", {})),
        taken_from=event.get("taken_from"),
        derived=dict(event.get("derived", {})),
        enqueued=checked(event.get("enqueued"), int, NoneType),
        sampled=datetime.fromisoformat(event["time"]),
    )


def _apply(history: TrialHistory, event: Event) -> None:
    kind = event["event"]
    history.attempts = attempts_after(history.attempts, event)
    if kind in (ATTEMPT_STARTED, ATTEMPT_ENDED) and history.attempts:
        attempt_record(history.attempts[-1])
    if kind == ATTRIBUTES:
        history.attributes |= _numbers(event["attributes"])
    elif kind == ATTEMPT_STARTED:
        history.state = "RUNNING"
    elif kind == DERIVED_SET:
        history.derived = dict(event["derived"])
    elif kind == SIZES_SET:
        history.sizes = details_of(event)
    elif kind == MEASURED:
        history.resources = details_of(event)
    elif kind == REPORTED:
        history.curve[checked(event["step"], int)] = float(event["value"])
    elif kind == ATTEMPT_ENDED:
        history.state = one_of(event["state"], STATES)
        history.values = _values(event)
        history.metrics = _numbers(event.get("metrics", {}))
        history.ended = datetime.fromisoformat(event["time"])
    elif kind == RECALLED:
        history.state = one_of(event["state"], STATES)
        history.attempts = [dict(attempt) for attempt in event["attempts"]]
        for attempt in history.attempts:
            attempt_record(attempt)
        history.sizes = dict(event["sizes"])
        history.resources = dict(event["resources"])
        history.attributes |= _numbers(event["attributes"])
        if history.state in FINISHED:
            _recall_end(history, event)
    if history.state == "COMPLETE" and history.values is None:
        _fail_without_value(history)


def _recall_end(history: TrialHistory, event: Event) -> None:
    values = event["values"]
    history.values = None if values is None else [float(value) for value in values]
    history.metrics = _numbers(event["metrics"])
    history.ended = datetime.fromisoformat(event["ended"] or event["time"])


def _fail_without_value(history: TrialHistory) -> None:
    """A trial that is complete without a value, as earlier releases could write one, has failed:
    no sampler can learn from it."""
    history.state = "FAIL"
    if history.attempts:
        history.attempts[-1] |= {"cause": ERROR, "message": "ended without a value"}


def attempts_of(trial: FrozenTrial) -> list[dict[str, Any]]:
    """The attempts at a trial, as `history.attempts_after` wrote them."""
    attempts: list[dict[str, Any]] = trial.user_attrs.get(ATTEMPTS, [])
    return attempts


def last_step(trial: FrozenTrial) -> int:
    """The last step that was reported; 0 before the first."""
    return max(trial.intermediate_values, default=0)
