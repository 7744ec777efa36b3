"""How long a study still takes, as a range: from the times of the trials that ended."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from search.store.records import StudyRecord, TrialRecord
from search.store.study_state import in_utc, last_seen, workers_seen

_RECENT = 30
# a normal distribution has four fifths of itself within so many standard deviations
_DEVIATIONS = 1.28
_FIRST_GUESS = 0.5


@dataclass(frozen=True)
class TimeLeft:
    """Seconds within which a study ends in about four of five cases."""

    low_s: float
    high_s: float


@dataclass(frozen=True)
class TrialTime:
    """What a trial took so far."""

    # of all its attempts together, that which runs included
    seconds: float
    is_finished: bool = False


def time_left(
    durations_s: Sequence[float], ages_s: Sequence[float], *, ahead: int, workers: int
) -> TimeLeft | None:
    """The range in which the time left lies.

    Trials take as long as the last ones did, pruned and failed ones among them, and differ as
    those did; the mean of few is itself not well known. In the last round workers run out of
    trials, at worst one after another.

    Args:
        durations_s: of the trials that ended, the latest last.
        ages_s: of each of those that began and have not ended, so far.
        ahead: trials that have not ended, those that run included.
        workers: how many run at once.

    Returns:
        None before the first trial ended.
    """
    known = list(durations_s)[-_RECENT:]
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


def trials_time_left(times: Iterable[TrialTime], *, n_trials: int, workers: int) -> TimeLeft | None:
    """That of a study of which so many trials are asked for; None before the first trial ended.

    Args:
        times: of every trial that was ever begun, those that ended last at the end.
    """
    times = list(times)
    ended = [each.seconds for each in times if each.is_finished]
    begun = [each.seconds for each in times if not each.is_finished]
    # one that no attempt is known of says nothing
    timed = [seconds for seconds in ended if seconds]
    return time_left(timed, begun, ahead=max(n_trials, len(times)) - len(ended), workers=workers)


def study_time_left(record: StudyRecord) -> TimeLeft | None:
    """That of a study that runs; None for one that does not, or that has no total."""
    if not record.is_running or record.n_trials is None:
        return None
    times = trial_times(record).values()
    return trials_time_left(times, n_trials=record.n_trials, workers=workers_seen(record))


def trial_times(record: StudyRecord) -> dict[int, TrialTime]:
    """Number -> time of each trial, those that began last at the end."""
    seen = last_seen(record)
    trials = sorted(record.trials, key=_began)
    # one that is paused may never go on, as most do not
    return {
        each.number: TrialTime(_trained_s(each, seen), each.is_finished or each.is_paused)
        for each in trials
    }


def _began(trial: TrialRecord) -> datetime:
    if not trial.attempts:
        return datetime.min.replace(tzinfo=UTC)
    return in_utc(trial.attempts[-1].started)


def _trained_s(trial: TrialRecord, seen: datetime | None) -> float:
    """Seconds of all attempts of a trial, without what it waited in between.

    Args:
        seen: until when an attempt that has not ended has run.
    """
    total = 0.0
    for attempt in trial.attempts:
        ended = attempt.ended if trial.is_finished else attempt.ended or seen
        if ended is not None:
            total += (in_utc(ended) - in_utc(attempt.started)).total_seconds()
    return total
