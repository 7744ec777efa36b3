"""When attempts ran: lanes of attempts side by side, and time with the idle gaps cut out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from search.report.palette import OUTCOMES, outcome_key
from search.store.records import StudyRecord, TrialRecord
from search.store.study_state import attempts_of, in_utc, last_seen, union_s

_GAP_AT_LEAST_S = 60.0
_GAP_SHARE = 0.05


@dataclass(frozen=True)
class Span:
    """One attempt: seconds since the study's first start, its lane, and how it ended."""

    trial: int
    attempt: int
    start_s: float
    end_s: float
    lane: int
    outcome: str
    message: str | None


@dataclass(frozen=True)
class Gap:
    """A time in which nothing ran: from `start_s`, for `length_s`."""

    start_s: float
    length_s: float


def spans(record: StudyRecord) -> list[Span]:
    """Attempts by start, each in the lowest free lane; one that runs has no end yet."""
    begun = [interval for trial in record.trials for interval in _intervals(trial)]
    if not begun:
        return []
    end = last_seen(record)
    origin = min(started for _, _, started, *_ in begun)
    lanes: list[datetime] = []
    placed: list[Span] = []
    for trial, attempt, started, ended, outcome, message in sorted(begun, key=lambda i: i[2]):
        until = max(started, ended or end or started)
        free = (lane for lane, busy in enumerate(lanes) if busy <= started)
        lane = next(free, len(lanes))
        lanes[lane : lane + 1] = [until]
        start_s, end_s = ((at - origin).total_seconds() for at in (started, until))
        placed.append(Span(trial, attempt, start_s, end_s, lane, outcome, message))
    return placed


def gaps(placed: Sequence[Span]) -> list[Gap]:
    """Times without any attempt of more than a minute and a twentieth of the busy time."""
    shortest = max(_GAP_AT_LEAST_S, _GAP_SHARE * busy_s(placed))
    found: list[Gap] = []
    until = 0.0
    for span in sorted(placed, key=lambda s: s.start_s):
        if span.start_s - until > shortest:
            found.append(Gap(until, span.start_s - until))
        until = max(until, span.end_s)
    return found


def busy_s(placed: Sequence[Span]) -> float:
    """Seconds in which at least one attempt ran."""
    return union_s((span.start_s, span.end_s) for span in placed)


_Interval = tuple[int, int, datetime, datetime | None, str, str | None]


def _intervals(trial: TrialRecord) -> list[_Interval]:
    """The attempts of a trial; the trial itself where it has no attempts but times."""
    outcome = outcome_key(trial)
    return [
        (
            trial.number,
            attempt.number,
            in_utc(attempt.started),
            in_utc(attempt.ended) if attempt.ended else None,
            _attempt_outcome(attempt.cause, outcome) if trial.attempts else outcome,
            attempt.message,
        )
        for attempt in attempts_of(trial)
    ]


def _attempt_outcome(cause: str | None, outcome: str) -> str:
    if cause is None:
        return outcome if outcome == "running" else "interrupted"
    return cause if cause in OUTCOMES else "error"
