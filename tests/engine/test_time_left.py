"""How long a study still takes: a range that the truth keeps to."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from report.records import realistic, study, trial

from search.engine.time_left import study_time_left, time_left
from search.plain.formats import format_duration_range
from search.store.records import AttemptRecord

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def makespan_s(durations_s: list[float], workers: int) -> float:
    """Seconds that workers take who each begin the next trial when one ends."""
    free_s = [0.0] * workers
    for duration_s in durations_s:
        free_s[free_s.index(min(free_s))] += duration_s
    return max(free_s)


@pytest.mark.parametrize("workers", [1, 2, 8])
@pytest.mark.parametrize("known", [5, 10, 30])
def test_range_holds_the_truth_in_most_studies(workers: int, known: int) -> None:
    rng = random.Random(0)
    held = []
    for _ in range(200):
        # half of the trials are pruned early
        times_s = [rng.choice((2.0, 10.0)) * rng.uniform(0.8, 1.2) for _ in range(known + 40)]
        left = time_left(times_s[:known], [], ahead=40, workers=workers)
        assert left is not None
        held.append(left.low_s <= makespan_s(times_s[known:], workers) <= left.high_s)
    assert sum(held) / len(held) >= 0.7


def test_range_narrows_with_the_trials_that_ended() -> None:
    few = time_left([2.0, 10.0], [], ahead=40, workers=1)
    many = time_left([2.0, 10.0] * 15, [], ahead=40, workers=1)
    assert few is not None
    assert many is not None
    assert few.low_s < many.low_s < 240 < many.high_s < few.high_s


def test_nothing_is_known_before_a_trial_ended_and_nothing_is_left_after_the_last() -> None:
    assert time_left([], [3.0], ahead=4, workers=1) is None
    left = time_left([3.0], [], ahead=0, workers=1)
    assert left is not None
    assert (left.low_s, left.high_s) == (0.0, 0.0)


def test_only_a_study_that_runs_has_time_left() -> None:
    ended = realistic(20)
    assert study_time_left(replace(ended, n_trials=40)) is None
    assert study_time_left(replace(ended, n_trials=None, is_running=True, read_at=NOW)) is None
    left = study_time_left(replace(ended, n_trials=40, is_running=True, read_at=NOW))
    assert left is not None
    assert 0 < left.low_s < left.high_s


def test_trials_that_run_are_taken_off() -> None:
    done = [AttemptRecord(1, 7, "b", NOW, NOW + timedelta(seconds=10), "done")] * 5
    trials = [
        trial(n, started=each.started, ended=each.ended, attempts=(each,))
        for n, each in enumerate(done)
    ]
    running = AttemptRecord(1, 7, "b", NOW + timedelta(seconds=52))
    young = trial(5, "RUNNING", None, started=running.started, attempts=(running,))
    now = NOW + timedelta(seconds=60)
    record = study(*trials, young, n_trials=6, is_running=True, read_at=now)
    left = study_time_left(record)
    assert left is not None
    assert left.low_s <= 2.0 <= left.high_s


@pytest.mark.parametrize(
    ("low_s", "high_s", "text"),
    [
        (6.2, 12.4, "6 to 12 s"),
        (0.2, 0.4, "0 s"),
        (35.0, 80.0, "35 to 80 s"),
        (95.0, 260.0, "1.6 to 4.3 min"),
        (900.0, 1600.0, "15 to 27 min"),
        (9000.0, 20000.0, "2.5 to 5.6 h"),
        (300000.0, 432000.0, "3.5 to 5 d"),
        (60.0, 7200.0, "0 to 2 h"),
    ],
)
def test_range_as_people_say_it(low_s: float, high_s: float, text: str) -> None:
    assert format_duration_range(low_s, high_s) == text
