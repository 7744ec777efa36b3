"""The time between two checkpoints, on a clock of the test's."""

from __future__ import annotations

from itertools import pairwise

import pytest

from search.trial.fitting.save_interval import SaveInterval


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("search.trial.fitting.save_interval.time.monotonic", clock)
    return clock


def written(interval: SaveInterval, clock: Clock, seconds: float) -> None:
    with interval.writing():
        clock.now += seconds


def test_first_checkpoint_is_written_to_know_what_one_costs(clock: Clock) -> None:
    assert SaveInterval(0.05).is_earned


def test_next_checkpoint_is_earned_by_twenty_times_its_cost(clock: Clock) -> None:
    interval = SaveInterval(0.05)
    written(interval, clock, 2.0)
    assert interval.seconds == pytest.approx(40.0)
    clock.now += 39.0
    assert not interval.is_earned
    clock.now += 2.0
    assert interval.is_earned
    written(interval, clock, 1.0)
    assert not interval.is_earned
    clock.now += 21.0
    assert interval.is_earned


def copied(interval: SaveInterval, clock: Clock, seconds: float) -> None:
    with interval.copying():
        clock.now += seconds


def test_dear_copies_do_not_put_the_next_one_off(clock: Clock) -> None:
    interval, written_at = SaveInterval(0.05), []
    for epoch in range(40):
        clock.now += 6.0
        if interval.is_earned:
            written(interval, clock, 1.0)
            written_at.append(epoch)
        else:
            copied(interval, clock, 0.35)
    gaps = [after - before for before, after in pairwise(written_at)]
    assert max(gaps) <= 4
    assert written_at[-1] >= 36


def test_copies_that_cost_as_much_as_writing_end_the_wait_after_a_stall(clock: Clock) -> None:
    interval = SaveInterval(0.05)
    written(interval, clock, 60.0)
    for _ in range(30):
        assert not interval.is_earned
        clock.now += 10.0
        copied(interval, clock, 2.0)
    assert interval.is_earned


def test_trial_that_goes_on_knows_the_cost_and_what_a_kill_took(clock: Clock) -> None:
    interval = SaveInterval(0.05)
    interval.go_on(2.0, lost_s=0.0)
    assert not interval.is_earned
    interval.go_on(2.0, lost_s=41.0)
    assert interval.is_earned
    interval.go_on(None, lost_s=0.0)
    assert interval.is_earned
