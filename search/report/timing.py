"""When attempts ran: lanes of attempts side by side, and time with the idle gaps cut out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from search.report.palette import OUTCOMES, outcome_key
from search.store.records import AttemptRecord, StudyRecord, TrialRecord
from search.store.study_state import attempts_of, in_utc, last_seen, union_s

_GAP_AT_LEAST_S = 60.0
_GAP_SHARE = 0.05


@dataclass(frozen=True)
class Span:
    """One attempt; times are seconds since the study's first start."""

    trial: int
    attempt: int
    start_s: float
    end_s: float
    lane: int
    outcome: str
    """The key in `OUTCOMES` of its end."""
    message: str | None
    node: str = ""
    """Machine that it ran on; empty for that of the coordinator."""


@dataclass(frozen=True)
class Gap:
    """A time in which nothing ran: from `start_s`, for `length_s`."""

    start_s: float
    length_s: float


def spans(record: StudyRecord) -> list[Span]:
    """Attempts by start, each in the lowest free lane; one that runs has no end yet."""
    begun = [
        (in_utc(attempt.started), trial, attempt)
        for trial in record.trials
        for attempt in attempts_of(trial)
    ]
    begun.sort(key=lambda each: each[0])
    seen = last_seen(record)
    # by lane: when its last attempt ended
    ends: list[datetime] = []
    placed: list[Span] = []
    for started, trial, attempt in begun:
        ended = in_utc(attempt.ended) if attempt.ended else seen
        until = max(started, ended or started)
        lane = next((lane for lane, end in enumerate(ends) if end <= started), len(ends))
        ends[lane : lane + 1] = [until]
        start_s, end_s = ((time - begun[0][0]).total_seconds() for time in (started, until))
        outcome = _outcome(trial, attempt)
        placed.append(
            Span(
                trial=trial.number,
                attempt=attempt.number,
                start_s=start_s,
                end_s=end_s,
                lane=lane,
                outcome=outcome,
                message=attempt.message,
                node=attempt.node,
            )
        )
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


def _outcome(trial: TrialRecord, attempt: AttemptRecord) -> str:
    """The end of an attempt; that of its trial where nothing is known of attempts."""
    of_trial = outcome_key(trial)
    if not trial.attempts:
        return of_trial
    if attempt.cause is None:
        return of_trial if of_trial == "running" else "interrupted"
    return attempt.cause if attempt.cause in OUTCOMES else "error"
