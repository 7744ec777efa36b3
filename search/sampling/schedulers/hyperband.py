"""Hyperband with promotion: brackets of asynchronous successive halving side by side, the first
with the shortest first rung, the last without any: Li et al., Hyperband, JMLR 2018
(arXiv:1603.06560), and its asynchronous form in arXiv:1810.05934, section 3.

It hedges against curves whose early steps mislead: some trials are never paused early.
"""

from __future__ import annotations

import math

from search.sampling.schedulers.asha import Asha
from search.sampling.schedulers.scheduler import Chosen, Curves, Decision, Scheduler
from search.space.distributions import Params


class Hyperband(Scheduler):
    """Brackets of `Asha`, to which trials belong by their number.

    Args:
        last: the step at which a trial is trained to its end.
        first: the step of the first rung of the first bracket.
        factor: as for `Asha`.
    """

    def __init__(self, curves: Curves, *, last: int, first: int, factor: int) -> None:
        firsts: list[int] = []
        while first * factor <= last:
            firsts.append(first)
            first *= factor
        firsts.append(last)
        self._brackets = [Asha(curves, first=each, factor=factor) for each in firsts]
        count = len(firsts)
        # trials of a bracket in one round, so that each bracket costs about the same
        rounds = [
            math.ceil(count * factor ** (count - 1 - place) / (count - place))
            for place in range(count)
        ]
        self._order = _interleaved(rounds)
        self._has_complete = False

    def begin(self, number: int, params: Params) -> None:
        self._of(number).begin(number, params)

    def report(self, number: int, step: int, value: float) -> None:
        self._of(number).report(number, step, value)

    def decide(self, number: int) -> Decision:
        return self._of(number).decide(number)

    def pause(self, number: int) -> None:
        self._of(number).pause(number)

    def end(self, number: int, *, is_complete: bool, is_failed: bool) -> None:
        self._of(number).end(number, is_complete=is_complete, is_failed=is_failed)
        self._has_complete |= is_complete

    def choose(self) -> Chosen | None:
        for bracket in self._brackets:
            if (chosen := bracket.choose()) is not None:
                return chosen
        return None

    def choose_last(self) -> Chosen | None:
        best = min(self._paused, key=self._rank, default=None)
        if self._has_complete or best is None:
            return None
        return self._of(best).train_to_the_end(best)

    def give_up(self) -> int:
        return max(self._paused, key=self._rank)

    @property
    def _paused(self) -> list[int]:
        return [number for bracket in self._brackets for number in bracket.paused]

    def _rank(self, number: int) -> tuple[int, float, int]:
        return self._of(number).rank(number)

    def _of(self, number: int) -> Asha:
        return self._brackets[self._order[number % len(self._order)]]


def _interleaved(counts: list[int]) -> list[int]:
    """Each place so often as its count, spread evenly."""
    total = sum(counts)
    given = [0] * len(counts)
    order = []
    for turn in range(1, total + 1):
        behind = [count * turn / total - given[place] for place, count in enumerate(counts)]
        place = max(range(len(counts)), key=behind.__getitem__)
        given[place] += 1
        order.append(place)
    return order
