"""Asynchronous successive halving with promotion: Li et al., A System for Massively Parallel
Hyperparameter Tuning, MLSys 2020 (arXiv:1810.05934), algorithm 2.

A trial is paused at each rung, after `first` steps and then after `factor` times as many as before.
The best 1/`factor` of all that reached a rung go on to the next. A trial that belongs to them when
it arrives goes on without a pause. The paper grows the base of the rungs for as long as there is
time; here it has as many trials as the study, and then only promotes.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from dataclasses import dataclass, field

from search.plain.formats import format_number
from search.sampling.schedulers.scheduler import GOES_ON, Chosen, Curves, Decision, Scheduler
from search.space.distributions import Params
from search.study_file.curve_steps import step_text


@dataclass
class _Rung:
    """All values at one rung."""

    step: int
    # (value to be minimized, number), the best first
    ranked: list[tuple[float, int]] = field(default_factory=list)

    def place(self, entry: tuple[float, int]) -> int:
        """The place of an entry, from 1."""
        return bisect_left(self.ranked, entry) + 1


@dataclass
class _Climb:
    """One trial on its way up."""

    value: float
    """As it counts, to be minimized."""
    reached: int = 0
    """Number of rungs that it came to."""
    entry: tuple[float, int] = (math.inf, -1)
    """What it left at the last of them."""
    is_at_rung: bool = False
    """True where its last report came to a rung below its end."""
    to_the_end: bool = False
    """True where it is trained to its end, whatever others do."""


class Asha(Scheduler):
    """Asynchronous successive halving that pauses and promotes.

    Args:
        first: the step of the first rung.
        factor: one of so many goes on to the next rung.
    """

    def __init__(self, curves: Curves, *, first: int, factor: int) -> None:
        self._curves = curves
        self._first = first
        self._factor = factor
        self._rungs: list[_Rung] = []
        self._climbs: dict[int, _Climb] = {}
        self._paused: set[int] = set()
        self._has_complete = False

    def begin(self, number: int, params: Params) -> None:
        """Nothing is known of it before it reports."""

    def report(self, number: int, step: int, value: float) -> None:
        climb = self._note(number, value)
        before = climb.reached
        while step >= self._step_of(climb.reached):
            if climb.reached == len(self._rungs):
                self._rungs.append(_Rung(self._step_of(climb.reached)))
            climb.entry = (climb.value, number)
            insort(self._rungs[climb.reached].ranked, climb.entry)
            climb.reached += 1
        last = self._curves.last
        is_over = last is not None and step >= last
        climb.is_at_rung = climb.reached > before and not is_over

    def decide(self, number: int) -> Decision:
        climb = self._climbs[number]
        if not climb.is_at_rung or climb.to_the_end or self._is_among_best(climb):
            return GOES_ON
        return Decision(pauses=True, why=self._standing(climb))

    def pause(self, number: int) -> None:
        self._paused.add(number)

    def end(self, number: int, *, is_complete: bool, is_failed: bool) -> None:
        self._paused.discard(number)
        self._has_complete |= is_complete
        if is_failed:
            for rung in self._rungs:
                rung.ranked = [each for each in rung.ranked if each[1] != number]

    def choose(self) -> Chosen | None:
        # rungs that a new study file has moved: it was paused before the first
        early = min((n for n in self._paused if not self._climbs[n].reached), default=None)
        if early is not None:
            self._paused.discard(early)
            return Chosen(early, "it has not come to the first rung")
        for reached in range(len(self._rungs), 0, -1):
            rung = self._rungs[reached - 1]
            for _, number in rung.ranked[: self._promoted(rung)]:
                if number in self._paused and self._climbs[number].reached == reached:
                    return self._go_on(number)
        return None

    def choose_last(self) -> Chosen | None:
        best = min(self._paused, key=self.rank, default=None)
        return None if self._has_complete or best is None else self.train_to_the_end(best)

    def rank(self, number: int) -> tuple[int, float, int]:
        """The order of trials: those that came furthest first, then by value."""
        climb = self._climbs[number]
        step = self._step_of(climb.reached - 1) if climb.reached else 0
        return (-step, climb.value, number)

    def train_to_the_end(self, number: int) -> Chosen:
        """Let a paused trial go on without another pause."""
        self._climbs[number].to_the_end = True
        chosen = self._go_on(number)
        return Chosen(number, f"{chosen.why}; it is the best, and none was trained to its end")

    def give_up(self) -> int:
        return max(self._paused, key=self.rank)

    @property
    def paused(self) -> frozenset[int]:
        """The trials that wait."""
        return frozenset(self._paused)

    def _note(self, number: int, value: float) -> _Climb:
        value = self._curves.sign * value if math.isfinite(value) else math.inf
        climb = self._climbs.setdefault(number, _Climb(value))
        climb.value = min(value, climb.value) if self._curves.keeps_best else value
        return climb

    def _go_on(self, number: int) -> Chosen:
        self._paused.discard(number)
        return Chosen(number, self._standing(self._climbs[number]))

    def _step_of(self, rung: int) -> int:
        step: int = self._first * self._factor**rung
        return step

    def _promoted(self, rung: _Rung) -> int:
        """The number of trials of a rung that go on."""
        return len(rung.ranked) // self._factor

    def _is_among_best(self, climb: _Climb) -> bool:
        rung = self._rungs[climb.reached - 1]
        return rung.place(climb.entry) <= self._promoted(rung)

    def _standing(self, climb: _Climb) -> str:
        """The place of a trial at its rung, in words."""
        rung = self._rungs[climb.reached - 1]
        value = format_number(self._curves.sign * climb.entry[0])
        where = step_text(self._curves.steps, rung.step)
        place, count, best = rung.place(climb.entry), len(rung.ranked), self._promoted(rung)
        rule = f"one of {self._factor} goes on, so far {best}"
        return f"{value} at {where} is number {place} of {count}; {rule}"
