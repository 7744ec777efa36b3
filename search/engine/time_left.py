"""How long a study still takes, as a range: from the times of the trials that ended."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from search.engine.records import StudyRecord, TrialRecord
from search.engine.state import in_utc, last_seen, workers_seen

RECENT = 30
# a normal distribution has four fifths of itself within so many standard deviations
_DEVIATIONS = 1.28
_FIRST_GUESS = 0.5


@dataclass(frozen=True)
class TimeLeft:
    """Seconds within which a study ends in about four of five cases."""

    low_s: float
    high_s: float


def time_left(
    durations_s: Sequence[float], ages_s: Sequence[float], *, ahead: int, workers: int
) -> TimeLeft | None:
    """The range in which the time left lies.

    Trials take as long as the last ones did, pruned and failed ones among them, and differ as
    those did; the mean of few is itself not well known. In the last round workers run out of
    trials, at worst one after another.

    Args:
        durations_s: of the trials that ended, the latest last.
        ages_s: how long each of those that run has run.
        ahead: trials that have not ended, those that run included.
        workers: how many run at once.

    Returns:
        None before the first trial ended.
    """
    known = list(durations_s)[-RECENT:]
    if not known:
        return None
    if ahead <= 0:
        return TimeLeft(0.0, 0.0)
    mean = sum(known) / len(known)
    squares = sum((each - mean) ** 2 for each in known)
    # one trial says nothing of the spread: it counts as if half a mean away from the next
    variance = (squares + (_FIRST_GUESS * mean) ** 2) / len(known)
    work = ahead * mean - sum(min(mean, age) for age in ages_s)
    deviation = math.sqrt(ahead * variance + ahead**2 * variance / len(known))
    at_once = max(1, min(workers, ahead))
    last_round = (1 - 1 / at_once) * mean
    low = (work - _DEVIATIONS * deviation) / at_once
    high = (work + _DEVIATIONS * deviation) / at_once + last_round
    return TimeLeft(max(0.0, low), max(0.0, high))


def study_time_left(record: StudyRecord) -> TimeLeft | None:
    """That of a study that runs; None for one that does not, or that has no total."""
    if not record.is_running or record.asked is None:
        return None
    seen = last_seen(record)
    ages = [
        (seen - in_utc(attempt.started)).total_seconds()
        for trial in record.trials
        for attempt in trial.attempts
        if attempt.ended is None and seen is not None
    ]
    return time_left(
        trial_times_s(record),
        ages,
        ahead=max(record.asked, len(record.trials)) - record.finished,
        workers=workers_seen(record),
    )


def trial_times_s(record: StudyRecord) -> list[float]:
    """Seconds of the trials that ended, the latest last; without what they waited in between."""
    ended = [trial for trial in record.trials if trial.is_finished and trial.attempts]
    ended.sort(key=lambda trial: in_utc(trial.attempts[-1].started))
    return [_trained_s(trial) for trial in ended]


def _trained_s(trial: TrialRecord) -> float:
    """Seconds of all attempts of a trial that ended."""
    return sum(
        (attempt.ended - attempt.started).total_seconds()
        for attempt in trial.attempts
        if attempt.ended is not None
    )
