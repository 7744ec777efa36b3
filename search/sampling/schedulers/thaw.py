"""Freeze and thaw: every trial begins, the most promising go on. Swersky, Snoek and Adams,
Freeze-Thaw Bayesian Optimization, 2014 (arXiv:1406.3896), with other models.

A model of curves says what each trial would come to, a Gaussian process over their points corrects
that by what like points came to. A free slot goes to the paused trial whose expected improvement on
the best is largest, until it has three times as many steps; new trials begin at a rate that leaves
most of the steps to those. From time to time the one that is predicted to be best is trained to its
end whatever others promise: the study has an answer at all times, and the models see ends. The
sampler sees what is predicted.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from search.plain.formats import format_number
from search.sampling.schedulers.forecast import Forecast, expected_improvement, forecast
from search.sampling.schedulers.left_to_gain import left_to_gain
from search.sampling.schedulers.scheduler import GOES_ON, Chosen, Curves, Decision, Scheduler
from search.sampling.schedulers.trial_curve import TrialCurve
from search.sampling.schedulers.unit_points import UnitPoints
from search.space.distributions import Params, Scalar, Space
from search.study_file.curve_steps import step_text
from search.study_file.stopping_rules import Gain

# those that begin before any goes on, and how many more for each full training that was spent
_FIRST = 10
_BEGUN = 4
# a trial is trained to its end for so many full trainings that were spent
_TO_THE_END = 2
_GROWTH = 3
_FIRST_RUNG = 1 / 20
# once no trial may begin, one that is less likely to beat the best does not go on
_LEAST_CHANCE = 0.05
# ends that a prediction has been held against before it tells what is left to gain, and the points
# of which it tells that
_ENDS, _SPREAD = 5, 128


class Thaw(Scheduler):
    """Freeze and thaw.

    Args:
        total: trials that may begin; None is no limit.
        first: steps before the first pause at least.
        epoch_steps: steps of an epoch.
    """

    def __init__(
        self,
        curves: Curves,
        space: Space,
        *,
        total: int | None,
        first: int,
        epoch_steps: int,
    ) -> None:
        assert curves.last is not None
        self._curves = curves
        self._last = curves.last
        self._total = total
        self._epoch_steps = epoch_steps
        self._rungs = _rungs(curves.last, first)
        self._unit = UnitPoints(space)
        self._trials: dict[int, TrialCurve] = {}
        # both of what was told so far
        self._forecast: Forecast | None = None
        self._gain: Gain | None = None
        self._spread: np.ndarray | None = None

    def begin(self, number: int, params: Params) -> None:
        self._trials[number] = TrialCurve(frozenset(params.items()), self._unit.vector(params))
        self._forget()

    def report(self, number: int, step: int, value: float) -> None:
        self._trials[number].add(step, self._curves.sign * value)
        self._forget()

    def decide(self, number: int) -> Decision:
        trial = self._trials[number]
        before, step = trial.last_two
        if (
            trial.is_failed
            or step >= self._last
            or not any(before < rung <= step for rung in self._rungs)
        ):
            return GOES_ON
        trial.is_paused = True
        chosen = self._wanted()
        trial.is_paused = False
        if chosen is not None and chosen.number == number:
            return GOES_ON
        why = self._standing(number)
        if chosen is not None:
            why += f"; trial {chosen.number} has {self._chance(chosen.number):.0%}"
        return Decision(pauses=True, why=why)

    def _forget(self) -> None:
        self._forecast = self._gain = None

    def pause(self, number: int) -> None:
        self._trials[number].is_paused = True

    def end(self, number: int, *, is_complete: bool, is_failed: bool) -> None:
        self._trials[number].end(is_complete=is_complete, is_failed=is_failed)
        self._forget()

    def choose(self) -> Chosen | None:
        wanted = self._wanted()
        return None if wanted is None else self._go_on(wanted)

    def choose_last(self) -> Chosen | None:
        paused = self._paused
        if not paused or any(each.is_complete for each in self._trials.values()):
            return None
        best = min(paused, key=self._seen.mean)
        return self._go_on(Chosen(best, f"{self._standing(best)}; none was trained to its end"))

    def give_up(self) -> int:
        return max(self._paused, key=self._seen.mean)

    def predicted(self, number: int) -> float | None:
        return self._curves.sign * self._seen.value(self._seen.mean(number))

    def gain(self) -> Gain | None:
        complete = [number for number, each in self._trials.items() if each.is_complete]
        if len(complete) < _ENDS:
            return None
        if self._gain is None:
            open_ones = [number for number, each in self._trials.items() if not each.is_over]
            self._gain = left_to_gain(self._seen, complete, open_ones, self._new_points)
        return self._gain

    @property
    def _new_points(self) -> np.ndarray:
        """Points that might begin; none once no trial may."""
        if self._spread is None:
            self._spread = self._unit.spread(_SPREAD)
        return self._spread if self._may_begin else self._spread[:0]

    def _go_on(self, chosen: Chosen) -> Chosen:
        self._trials[chosen.number].is_paused = False
        return chosen

    @property
    def _paused(self) -> list[int]:
        return [number for number, each in self._trials.items() if each.is_paused]

    @property
    def _may_begin(self) -> bool:
        return self._total is None or len(self._trials) < self._total

    @property
    def _seen(self) -> Forecast:
        """What is known of the ends of all trials that have reported and not failed."""
        if self._forecast is None:
            self._forecast = forecast(
                self._trials,
                self._unit.columns,
                last=self._last / self._epoch_steps,
                epoch_steps=self._epoch_steps,
                keeps_best=self._curves.keeps_best,
            )
        return self._forecast

    @property
    def _goal(self) -> float:
        """What has to be beaten: the best end, or what the best of those that run comes to."""
        seen = self._seen
        known = [
            seen.mean(number)
            for number, each in self._trials.items()
            if number in seen.places and (each.is_complete or each.is_running)
        ]
        return min(known) if known else float(seen.means.min())

    def _wanted(self) -> Chosen | None:
        """The paused trial that a free slot is for; None where a new one is, or nothing."""
        repeated = self._repeated()
        paused = [number for number in self._paused if number not in repeated]
        if not paused or (self._may_begin and len(self._trials) < self._due_to_begin()):
            return None
        if (number := self._due_to_end(paused, repeated)) is not None:
            why = f"{self._standing(number)}; it is predicted to be the best"
            return Chosen(number, why)
        gains = self._gains(paused)
        best = max(paused, key=lambda number: (gains[number], -number))
        if not self._may_begin and self._chance(best) < _LEAST_CHANCE:
            return None
        return Chosen(best, self._standing(best))

    def _due_to_begin(self) -> float:
        """How many trials should have begun by now."""
        spent = sum(each.step for each in self._trials.values())
        full = max(0.0, spent - _FIRST * self._rungs[0]) / self._last
        return _FIRST + _BEGUN * full

    def _due_to_end(self, paused: list[int], repeated: set[int]) -> int | None:
        """A paused trial that is to be trained to its end now."""
        if len(self._trials) < min(_FIRST, self._total or _FIRST):
            return None
        spent = sum(each.step for each in self._trials.values())
        complete = sum(each.is_complete for each in self._trials.values())
        due = 1 + int(spent / (_TO_THE_END * self._last)) - complete
        if due <= 0:
            return None
        seen = self._seen
        open_ones = [
            number
            for number, each in self._trials.items()
            if not each.is_over and number in seen.places and number not in repeated
        ]
        leading = sorted(open_ones, key=lambda number: (seen.mean(number), number))[:due]
        return next((number for number in leading if number in paused), None)

    def _gains(self, numbers: list[int]) -> dict[int, float]:
        seen, goal = self._seen, self._goal
        places = [seen.places[number] for number in numbers]
        gains = expected_improvement(goal, seen.means[places], seen.sds[places])
        return dict(zip(numbers, gains.tolist(), strict=True))

    def _repeated(self) -> set[int]:
        """The trials of points of which another one came further, or as far before."""
        furthest: dict[frozenset[tuple[str, Scalar]], int] = {}
        for number, each in self._trials.items():
            other = furthest.setdefault(each.point, number)
            if each.step > self._trials[other].step:
                furthest[each.point] = number
        return self._trials.keys() - set(furthest.values())

    def _chance(self, number: int) -> float:
        """The probability that a trial comes to beat what has to be beaten."""
        seen = self._seen
        place = seen.places[number]
        return float(ndtr((self._goal - seen.means[place]) / seen.sds[place]))

    def _standing(self, number: int) -> str:
        """The prospects of a trial, in words."""
        seen, sign = self._seen, self._curves.sign
        place = seen.places[number]
        mean, sd = seen.means[place], seen.sds[place]
        middle = seen.value(mean)
        width = abs(seen.value(mean + sd) - seen.value(mean - sd)) / 2
        at = step_text(self._curves.steps, self._last)
        goal = format_number(sign * seen.value(self._goal))
        return (
            f"predicted {format_number(sign * middle)} ± {format_number(width)} at {at}, "
            f"{self._chance(number):.0%} chance to beat {goal}"
        )


def _rungs(last: int, first: int) -> list[int]:
    """The steps at which a trial may be paused, each three times as many as the one before."""
    rungs = [max(first, round(last * _FIRST_RUNG), 1)]
    while rungs[-1] < last:
        rungs.append(_GROWTH * rungs[-1])
    return [each for each in rungs if each < last]
