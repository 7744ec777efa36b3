"""The history of a trial: what its events add up to.

Pure: reads no file, knows no database and not Optuna. The ledger applies the same functions to
each event that it writes, so that memory and files cannot tell different stories.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from pathlib import Path
from types import NoneType
from typing import Any

from search.messages import ERROR, PAUSED, PRUNED
from search.space.distributions import Space
from search.store.attributes import STATES, checked, known_word
from search.store.events.attempts import Attempt, begun_attempt, end_last, recalled_attempt
from search.store.events.event_file import Event
from search.store.events.event_values import numbers_in, resources_in, sizes_in
from search.store.records import FINISHED, AuditRecord, BranchRecord, TrialRecord
from search.study_file.outcome_constraints import violations

SAMPLED = "sampled"
ATTRIBUTES = "attributes"
ATTEMPT_STARTED = "attempt_started"
DERIVED_SET = "derived"
SIZES_SET = "sizes"
MEASURED = "measured"
REPORTED = "reported"
SAVED = "saved"
ATTEMPT_ENDED = "attempt_ended"
# of a trial that was paused and is not gone on with
CLOSED = "closed"
# written by earlier releases, which took back from the database what a file had lost
_RECALLED = "recalled"

_OF_BRANCHES = tuple(each.name for each in fields(BranchRecord))
_SCALARS = (float, int, str, bool, NoneType)


@dataclass
class TrialHistory:
    """One trial as its events tell it; `after` changes it with each event."""

    number: int
    params: dict[str, Any]
    # one of Optuna's
    state: str = "RUNNING"
    # one for each objective
    values: list[float] | None = None
    # reported metric by step
    curve: dict[int, float] = field(default_factory=dict)
    # the step whose verdict was to prune
    pruned_at: int | None = None
    # the step whose verdict was to wait; None again from the next attempt on
    paused_at: int | None = None
    # the reason of the last verdict to end or to wait
    why: str | None = None
    # why it was closed while it waited
    closed: str | None = None
    # it was condemned, and runs on to its end
    audited: AuditRecord | None = None
    attempts: list[Attempt] = field(default_factory=list)
    # seconds of training between two checkpoints
    saved_every_s: float | None = None
    # epochs behind the checkpoint that was furthest on when its attempt told of it
    saved_epoch: int = 0
    # trained by all attempts together, those repeated after a kill included
    epochs: int = 0
    # those that were reported, in their order; the last of the present attempt, 0 before its first
    epochs_reported: list[int] = field(default_factory=list)
    last_epoch: int = 0
    furthest_epoch: int = 0
    # of a training to the end; None where that has no bound
    max_epochs: int | None = None
    # time of the last event, as it is written
    seen: str | None = None
    # of the batches, by name
    sizes: dict[str, int | None] = field(default_factory=dict)
    # what the trial took: some of `RESOURCES`; a whole number stays one in the cache, too
    resources: dict[str, int | float | None] = field(default_factory=dict)
    # what it logged besides its objective
    metrics: dict[str, float] = field(default_factory=dict)
    # the sampler's and the pruner's own notes
    attributes: dict[str, Any] = field(default_factory=dict)
    # the trial of another study that this one was taken over from
    taken_from: str | None = None
    # what follows from `params`
    derived: dict[str, Any] = field(default_factory=dict)
    # the place in the queue that the trial took
    enqueued: int | None = None
    # the paths whose values are those of the configuration itself
    baseline: list[str] = field(default_factory=list)
    # the place among the points of earlier studies that the trial took, and whose that was
    warm_place: int | None = None
    warm_origin: str | None = None
    # None where the trial began by itself
    branch: BranchRecord | None = None
    # the last step whose verdict was to wait
    told_at: int | None = None
    # of the checkpoints with which it has waited, the epochs by the step; none of a finished trial
    ready: dict[int, int] = field(default_factory=dict)
    sampled: datetime | None = None
    ended: datetime | None = None

    @property
    def is_finished(self) -> bool:
        return self.state in FINISHED

    @property
    def is_paused(self) -> bool:
        """The trial holds no process, and goes on only if it is chosen: however the attempt ended
        that was told so."""
        return self.state == "WAITING" and self.paused_at is not None

    @property
    def is_ready(self) -> bool:
        """Whatever it was told to wait with is saved: no kill came before that."""
        return self.told_at is None or self.told_at in self.ready

    @property
    def last_step(self) -> int:
        """The last step that was reported; 0 before the first."""
        return max(self.curve, default=0)

    def outcomes_with(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """The trial's outcome as far as it is known: resources, and `metrics` that it logged."""
        known = {**self.resources, **metrics}
        return {name: float(value) for name, value in known.items() if value is not None}

    def record(
        self, folder: Path, space: Space, outcome_constraints: Sequence[str] = ()
    ) -> TrialRecord:
        """The trial as it is shown; its times are those of its attempts.

        Args:
            folder: the trial's own.
            space: gives the order of its parameters.
        """
        attempts = tuple(attempt.record for attempt in self.attempts)
        first = attempts[0] if attempts else None
        last = attempts[-1] if attempts else None
        violated: Mapping[str, float] = {}
        if outcome_constraints:
            violated = violations(outcome_constraints, self.outcomes_with(self.metrics))
        known = {path: self.params[path] for path in space if path in self.params}
        cause, message = (last.cause, last.message) if last else (None, None)
        if self.is_paused:
            message = self.why
        if self.closed is not None:
            cause, message = PRUNED, self.closed
        is_stopped = self.is_paused or (self.state == "PRUNED" and cause == PRUNED)
        return TrialRecord(
            number=self.number,
            state=self.state,
            params=known | self.params,
            value=self.values[0] if self.values else None,
            values=tuple(self.values or ()),
            curve=dict(sorted(self.curve.items())),
            folder=folder,
            cause=cause,
            message=message,
            started=first.started if first else None,
            ended=last.ended if last and self.is_finished else None,
            is_paused=self.is_paused,
            is_closed=self.closed is not None,
            why=self.why if is_stopped else None,
            audited=self.audited,
            max_epochs=self.max_epochs,
            furthest_epoch=self.furthest_epoch,
            baseline=tuple(self.baseline),
            warm_origin=self.warm_origin,
            branch=self.branch,
            derived=dict(self.derived),
            attempts=attempts,
            taken_from=self.taken_from,
            saved_every_s=self.saved_every_s,
            epochs=self.epochs,
            metrics=dict(self.metrics),
            infeasible=tuple(text for text, amount in violated.items() if amount > 0),
            **self.sizes,
            **self.resources,  # type: ignore[arg-type]
        )


def after(history: TrialHistory | None, event: Event) -> TrialHistory | None:
    """The history once `event` happened, too; the one given is changed.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: the event lacks what its kind has.
    """
    kind = event["event"]
    if kind == SAMPLED:
        return _begun(event) if history is None else history
    if history is not None and (change := _CHANGES.get(kind)) is not None:
        change(history, event)
        history.seen = event["time"]
    return history


def _begun(event: Event) -> TrialHistory:
    branch = _branch(event.get("branch"))
    return TrialHistory(
        number=checked(event["number"], int),
        params={path: checked(each, *_SCALARS) for path, each in event["params"].items()},
        attributes=numbers_in(event.get("attributes", {})),
        taken_from=checked(event.get("taken_from"), str, NoneType),
        derived=dict(event.get("derived", {})),
        enqueued=checked(event.get("enqueued"), int, NoneType),
        baseline=[checked(path, str) for path in event.get("baseline", ())],
        warm_place=checked(event.get("warm_place"), int, NoneType),
        warm_origin=checked(event.get("warm_origin"), str, NoneType),
        branch=branch,
        # those are the other trial's, and were counted with it
        epochs_reported=[] if branch is None else [branch.epoch],
        sampled=datetime.fromisoformat(event["time"]),
    )


def _branch(tree: Mapping[str, Any] | None) -> BranchRecord | None:
    if tree is None:
        return None
    return BranchRecord(**{name: checked(tree[name], int) for name in _OF_BRANCHES})


def _note(history: TrialHistory, event: Event) -> None:
    history.attributes |= numbers_in(event["attributes"])


def _start_attempt(history: TrialHistory, event: Event) -> None:
    begun = begun_attempt(
        event,
        number=event["attempt"],
        pid=event["pid"],
        boot_id=event["boot_id"],
        node=event.get("node", ""),
    )
    history.attempts.append(begun)
    if event.get("audited"):
        # it was paused, and would have been closed
        history.audited = _audit(event, CLOSED, history.last_step)
    history.state = "RUNNING"
    history.last_epoch = 0
    history.paused_at = None


def _audit(event: Event, verdict: str, step: int) -> AuditRecord:
    why = checked(event.get("why"), str, NoneType)
    return AuditRecord(verdict, step, why, datetime.fromisoformat(event["time"]))


def _derive(history: TrialHistory, event: Event) -> None:
    history.derived = dict(event["derived"])


def _size(history: TrialHistory, event: Event) -> None:
    history.sizes = sizes_in(event)
    # not told by earlier releases
    history.max_epochs = checked(event.get("max_epochs"), int, NoneType)


def _measure(history: TrialHistory, event: Event) -> None:
    history.resources = resources_in(event)


def _report(history: TrialHistory, event: Event) -> None:
    # by hand what `checked` does: most events are reports
    if type(step := event["step"]) is not int:
        checked(step, int)
    history.curve[step] = float(event["value"])
    if event.get("pruned"):
        history.pruned_at = step
    if event.get("paused"):
        history.paused_at = history.told_at = step
    if event.get("audited"):
        history.audited = _audit(event, PRUNED, step)
    if "why" in event:
        history.why = checked(event["why"], str, NoneType)
    # not told by earlier releases
    if type(epoch := event.get("epoch", 0)) is not int:
        checked(epoch, int)
    if epoch != history.last_epoch:
        _count_epochs(history, epoch)


def _count_epochs(history: TrialHistory, epoch: int) -> None:
    """Count the epochs since the report before, which may be of an earlier attempt: one that goes
    on from a checkpoint repeats what was reported after it."""
    reported = history.epochs_reported
    place = bisect_left(reported, epoch)
    history.epochs += epoch - (reported[place - 1] if place else 0)
    history.last_epoch = epoch
    history.furthest_epoch = max(history.furthest_epoch, epoch)
    if place == len(reported) or reported[place] != epoch:
        reported.insert(place, epoch)


def _save(history: TrialHistory, event: Event) -> None:
    history.saved_every_s = float(event["every_s"])
    # not told by earlier releases
    epoch = checked(event.get("epoch", 0), int)
    if epoch > history.saved_epoch and history.attempts:
        history.saved_epoch = epoch
        history.attempts[-1] = replace(history.attempts[-1], got_on=True)


def _end_attempt(history: TrialHistory, event: Event) -> None:
    end_last(history.attempts, event)
    history.state = known_word(event["state"], STATES)
    if event["cause"] == PAUSED and history.told_at is not None:
        # any other end leaves the checkpoint that there was before; an attempt that finds that of
        # the verdict reports nothing again
        history.paused_at = history.told_at
        history.ready[history.told_at] = history.furthest_epoch
    _end_trial(history, _values(event), event.get("metrics", {}), event["time"])


def _values(event: Event) -> Any:
    """The values of all objectives, where there is one or several; None without any."""
    if event.get("values") is None and event["value"] is not None:
        return [event["value"]]
    return event.get("values")


def _close(history: TrialHistory, event: Event) -> None:
    history.state = known_word(event["state"], STATES)
    history.closed = checked(event["message"], str)
    _end_trial(history, _values(event), event.get("metrics", {}), event["time"])


def _end_trial(
    history: TrialHistory, values: Any, metrics: Mapping[str, Any], time: str | None
) -> None:
    history.values = None if values is None else [float(value) for value in values]
    history.metrics = {name: float(value) for name, value in metrics.items()}
    history.ended = None if time is None else datetime.fromisoformat(time)
    if history.is_finished:
        # no attempt comes that could repeat them
        history.epochs_reported = []
        history.ready = {}
    if history.state == "COMPLETE" and history.values is None:
        _fail_without_value(history)


def _fail_without_value(history: TrialHistory) -> None:
    """Fail a trial that is complete without a value, as earlier releases could write one: no
    sampler can learn from it."""
    history.state = "FAIL"
    if history.attempts:
        last = history.attempts[-1]
        record = replace(last.record, cause=ERROR, message="ended without a value")
        history.attempts[-1] = replace(last, record=record)


def _recall(history: TrialHistory, event: Event) -> None:
    history.state = known_word(event["state"], STATES)
    history.attempts = [recalled_attempt(tree) for tree in event["attempts"]]
    history.sizes = sizes_in(event["sizes"])
    history.resources = resources_in(event["resources"])
    history.attributes |= numbers_in(event["attributes"])
    if history.is_finished:
        _end_trial(history, event["values"], event["metrics"], event["ended"] or event["time"])


_CHANGES: dict[str, Callable[[TrialHistory, Event], None]] = {
    REPORTED: _report,
    SAVED: _save,
    ATTEMPT_STARTED: _start_attempt,
    ATTEMPT_ENDED: _end_attempt,
    CLOSED: _close,
    SIZES_SET: _size,
    MEASURED: _measure,
    DERIVED_SET: _derive,
    ATTRIBUTES: _note,
    _RECALLED: _recall,
}
