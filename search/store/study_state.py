"""What a study does, and how long it has been at it: the same for every screen, page and JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from search.store.records import AttemptRecord, StudyRecord, TrialRecord
from search.study_file.stopping_rules import Spent, figures, reached

NEW = "new"
RUNNING = "running"
PAUSED = "paused"
FINISHED = "finished"
FAILED = "failed"
INTERRUPTED = "interrupted"
STOPPED = "stopped"

# so many failures with one cause end a study
MAX_FAILURES_IN_A_ROW = 5


def study_state(record: StudyRecord) -> str:
    """One word for a study.

    Returns:
        running; paused: it runs, and waits for free disk; new: it has no trial; finished: it has
        all that was asked for; failed: every trial failed, or so many in a row that it ended;
        interrupted: it has less than was asked for; stopped: no total was asked for. A study that
        has reached a rule by which it stops has what was asked for.
    """
    if record.is_running:
        return PAUSED if record.paused else RUNNING
    if not record.trials:
        return NEW
    if _has_failed(record):
        return FAILED
    if reached_rule(record) is not None:
        return FINISHED
    if record.n_trials is None:
        return STOPPED
    is_whole = all(trial.is_finished for trial in record.trials)
    return FINISHED if is_whole and record.finished >= record.n_trials else INTERRUPTED


def running_s(record: StudyRecord) -> float | None:
    """Seconds in which at least one attempt ran; None where none ever did.

    An attempt that runs has run until the study was read; one that was cut off, until the last
    sign of life of its study.
    """
    seen = last_seen(record)
    if seen is None:
        return None
    attempts = [attempt for trial in record.trials for attempt in attempts_of(trial)]
    return union_s(
        (in_utc(attempt.started).timestamp(), in_utc(attempt.ended or seen).timestamp())
        for attempt in attempts
    )


def reached_rule(record: StudyRecord) -> str | None:
    """The rule by which a study stops; None where it may go on."""
    if not record.stopping.names:
        return None
    return reached(record.stopping, spent_by(record), record.direction)


def budget_figures(record: StudyRecord) -> dict[str, str]:
    """How far a study has come by each rule that stops it, in words."""
    return figures(record.stopping, spent_by(record)) if record.stopping.names else {}


def spent_by(record: StudyRecord) -> Spent:
    """The figures that the rules of a study limit.

    Trials that were taken over from another study cost this one nothing, and its best value may be
    theirs.
    """
    seen = last_seen(record)
    own = [trial for trial in record.trials if trial.taken_from is None]
    spent = Spent(
        epochs=sum(trial.epochs for trial in own),
        cost_s=sum(attempt_s(each, seen) for trial in own for each in attempts_of(trial)),
        gain=record.gain,
    )
    if record.is_multi_objective:
        return spent
    # one that was closed while it waited is no try at something better
    finished = [trial for trial in record.trials if trial.is_finished and not trial.is_closed]
    for trial in sorted(finished, key=_end_of):
        is_own = trial.taken_from is None
        spent = spent.after_trial(counted_value(trial), record.direction, is_own=is_own)
    return spent


def attempt_s(attempt: AttemptRecord, seen: datetime | None) -> float:
    """Seconds of an attempt; of one that has not ended, until its study was `seen` last."""
    ended = attempt.ended or seen or attempt.started
    return max(0.0, (in_utc(ended) - in_utc(attempt.started)).total_seconds())


def counted_value(trial: TrialRecord) -> float | None:
    """The value by which a trial may be the best; None where it cannot be."""
    return trial.value if trial.state == "COMPLETE" and not trial.infeasible else None


def last_seen(record: StudyRecord) -> datetime | None:
    """When the study was read while it runs, else the latest time that it knows; None where
    nothing ever started."""
    times = list(_times(record))
    if times and record.is_running and record.read_at is not None:
        times.append(in_utc(record.read_at))
    return max(times, default=None)


def attempts_of(trial: TrialRecord) -> tuple[AttemptRecord, ...]:
    """The attempts of a trial; one made of its own times where it has none."""
    if trial.attempts or trial.started is None:
        return trial.attempts
    return (AttemptRecord(1, 0, "", trial.started, trial.ended, trial.cause, trial.message),)


def workers_seen(record: StudyRecord) -> int:
    """How many attempts run now; of a study in which none does, the most that ever did; at
    least 1."""
    attempts = [attempt for trial in record.trials for attempt in trial.attempts]
    if record.is_running and (now := sum(attempt.ended is None for attempt in attempts)):
        return now
    ended = [attempt for attempt in attempts if attempt.ended is not None]
    changes = sorted(
        [(in_utc(attempt.started), 1) for attempt in ended]
        + [(in_utc(attempt.ended), -1) for attempt in ended if attempt.ended]
    )
    most = side_by_side = 0
    for _, change in changes:
        side_by_side += change
        most = max(most, side_by_side)
    return max(1, most)


def nodes_at_work(record: StudyRecord) -> dict[str, int]:
    """How many trials run now on each machine but that of the coordinator."""
    counts = Counter(
        trial.node for trial in record.trials if trial.state == "RUNNING" and trial.node
    )
    return dict(sorted(counts.items())) if record.is_running else {}


def union_s(intervals: Iterable[tuple[float, float]]) -> float:
    """Seconds that at least one of the intervals (start, end) covers."""
    total, until = 0.0, -float("inf")
    for start, end in sorted(intervals):
        total += max(0.0, end - max(until, start))
        until = max(until, end)
    return total


def in_utc(time: datetime) -> datetime:
    """The time in UTC; one without a zone is taken to be in it."""
    if time.tzinfo is UTC:
        return time
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _has_failed(record: StudyRecord) -> bool:
    finished = [trial for trial in record.trials if trial.is_finished]
    failed = [trial for trial in finished if trial.state == "FAIL"]
    is_whole = record.n_trials is not None and len(finished) >= record.n_trials
    if is_whole or len(failed) < MAX_FAILURES_IN_A_ROW:
        return is_whole and len(failed) == len(finished)
    # one that is paused trained as it should
    ended = [trial for trial in record.trials if trial.is_paused or trial.ended is not None]
    last = sorted(ended, key=lambda trial: in_utc(trial.attempts[-1].ended or datetime.max))
    last = last[-MAX_FAILURES_IN_A_ROW:]
    causes = {(trial.state, trial.cause) for trial in last}
    return len(last) == MAX_FAILURES_IN_A_ROW and len(causes) == 1 and last[0].state == "FAIL"


def _end_of(trial: TrialRecord) -> tuple[datetime, int]:
    return in_utc(trial.ended or datetime.max), trial.number


def _times(record: StudyRecord) -> Iterator[datetime]:
    """Every time that the record knows."""
    for trial in record.trials:
        for attempt in attempts_of(trial):
            yield in_utc(attempt.started)
            if attempt.ended is not None:
                yield in_utc(attempt.ended)
