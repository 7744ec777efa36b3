"""Freeze and thaw, on curves that are known beforehand."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from sampling.schedulers.simulated import Run, decided, run

from search.sampling.schedulers.end_values import Curve, predict_ends
from search.sampling.schedulers.gaussian_process import fit_process
from search.sampling.schedulers.make import make_scheduler
from search.sampling.schedulers.scheduler import Curves, Scheduler
from search.sampling.schedulers.unit_points import UnitPoints
from search.space.distributions import Categorical, FloatRange, Params, Space
from search.study_file.curve_steps import EPOCHS, Steps

LAST = 30
SPACE: Space = {"x": FloatRange(0.0, 1.0)}
TRIALS = 40


def thaw(total: int | None = TRIALS, *, sign: int = 1, keeps_best: bool = False) -> Scheduler:
    curves = Curves(sign=sign, keeps_best=keeps_best, steps=Steps(EPOCHS), last=LAST)
    made = make_scheduler("thaw", {}, curves, SPACE, epoch_steps=1, least=1, total=total)
    assert made is not None
    return made


def power_laws(ends: Sequence[float], seed: int = 0) -> list[dict[int, float]]:
    """Curves that fall at different rates, with a little noise."""
    random = Random(seed)
    curves = []
    for end in ends:
        power, height = random.uniform(0.5, 1.0), random.uniform(0.5, 1.5)
        curves.append(
            {
                step: end + height * (step**-power - LAST**-power) + random.gauss(0.0, 0.005)
                for step in range(1, LAST + 1)
            }
        )
    return curves


def points(seed: int = 1) -> list[Params]:
    random = Random(seed)
    return [{"x": random.random()} for _ in range(TRIALS)]


def ends_of(params: Sequence[Params]) -> list[float]:
    """What trials come to, which depends on their points, and a little on luck."""
    random = Random(2)
    return [1.0 + abs(float(str(each["x"])) - 0.3) + random.gauss(0.0, 0.02) for each in params]


@pytest.fixture(scope="module")
def found() -> Run:
    params = points()
    return run(thaw(), power_laws(ends_of(params)), params=params)


def test_best_trial_is_trained_to_its_end_for_a_part_of_the_epochs(found: Run) -> None:
    ends = ends_of(found.params)
    assert len(found.steps) == TRIALS
    assert min(ends[number] for number in found.complete) < min(ends) + 0.05
    assert found.epochs < TRIALS * LAST / 3


def test_one_of_the_first_ten_is_trained_to_its_end_before_much_else(found: Run) -> None:
    # all of the first ten begin before any goes on, and few more before one is at its end
    assert found.worked_on[:10] == list(range(10))
    assert found.complete[0] < 15
    assert found.worked_on.index(found.complete[0]) < 20


def test_larger_values_are_better_where_a_study_maximizes(found: Run) -> None:
    upside_down = [{step: -each for step, each in curve.items()} for curve in found.curves]
    assert run(thaw(sign=-1), upside_down, params=found.params).worked_on == found.worked_on


@pytest.mark.parametrize("workers", [2, 8])
def test_workers_find_as_good_a_trial_with_little_more(found: Run, workers: int) -> None:
    several = run(thaw(), found.curves, workers, params=found.params)
    ends = ends_of(found.params)
    assert min(ends[number] for number in several.complete) < min(ends) + 0.05
    assert several.epochs < TRIALS * LAST / 2


def test_reasons_tell_what_is_predicted_and_the_chance(found: Run) -> None:
    form = r"predicted [\d.]+ ± [\d.]+ at epoch 30, \d+% chance to beat [\d.]+"
    assert all(re.match(form, why) for why in found.reasons)
    assert any(re.search(r"; trial \d+ has \d+%$", why) for why in found.reasons)
    assert any(why.endswith("it is predicted to be the best") for why in found.reasons)


def test_scheduler_that_is_told_of_an_earlier_run_goes_on_as_if_it_had_not_ended(
    found: Run,
) -> None:
    for begun in (12, 20, 33):
        first = thaw()
        cut = run(first, found.curves[:begun], params=found.params)
        again = thaw()
        for number, steps in sorted(cut.steps.items()):
            again.begin(number, found.params[number])
            for step in range(1, steps + 1):
                again.report(number, step, found.curves[number][step])
            if number in cut.complete:
                again.end(number, is_complete=True, is_failed=False)
            else:
                again.pause(number)
        assert again.give_up() == first.give_up()
        paused = [number for number in cut.steps if number not in cut.complete]
        assert [again.predicted(each) for each in paused] == pytest.approx(
            [first.predicted(each) for each in paused]
        )
        assert again.choose() == first.choose()


def test_nothing_is_left_to_gain_once_the_best_is_found(found: Run) -> None:
    """Of a study that goes on for long; values of a thousand times the size tell the same."""
    for size in (1.0, 1000.0):
        random = Random(1)
        params: list[Params] = [{"x": random.random()} for _ in range(120)]
        curves = [
            {step: size * value for step, value in curve.items()}
            for curve in power_laws(ends_of(params))
        ]
        scheduler = thaw(len(params))
        early = run(scheduler, curves[:12], params=params)
        assert len(early.complete) < 5
        # with less than five ends nobody knows how far predictions are from them
        assert scheduler.gain() is None
        scheduler = thaw(len(params))
        run(scheduler, curves, params=params)
        gain = scheduler.gain()
        assert gain is not None
        assert gain.is_noise
        assert 0.0005 * size < gain.noise < 0.02 * size


def test_trial_that_may_become_the_best_is_left_to_gain() -> None:
    scheduler = thaw(None)
    for number, curve in enumerate(power_laws([1.5 + number / 10 for number in range(8)])):
        scheduler.begin(number, {"x": 0.5 + number / 20})
        for step in range(1, LAST + 1):
            scheduler.report(number, step, curve[step])
        scheduler.end(number, is_complete=True, is_failed=False)
    before = scheduler.gain()
    promising = power_laws([0.8])[0]
    scheduler.begin(8, {"x": 0.05})
    for step in range(1, 7):
        scheduler.report(8, step, promising[step])
    scheduler.pause(8)
    after = scheduler.gain()
    assert before is not None
    assert after is not None
    assert not after.is_noise
    # the best that is complete is at 1.5
    assert after.most == pytest.approx(0.7, abs=0.2)
    assert after.most > before.most


def test_what_has_no_chance_does_not_go_on_once_all_have_begun(found: Run) -> None:
    hopeless = [number for number, end in enumerate(ends_of(found.params)) if end > 1.4]
    assert hopeless
    assert all(found.steps[number] < LAST / 2 for number in hopeless)


def test_point_that_was_trained_already_is_not_trained_again() -> None:
    params: list[Params] = [{"x": 0.5}, {"x": 0.2}, {"x": 0.8}] * 6
    curves = power_laws([1.0, 1.2, 1.4]) * 6
    again = run(thaw(len(params)), curves, params=params)
    assert sum(steps == LAST for number, steps in again.steps.items() if number % 3 == 0) == 1


def test_trial_that_failed_is_chosen_no_more_and_keeps_others_away() -> None:
    scheduler = thaw(None)
    for number in range(10):
        scheduler.begin(number, {"x": number / 10})
        assert decided(scheduler, number, 2, 1.0 + number).pauses
        scheduler.pause(number)
    scheduler.report(3, 3, math.nan)
    scheduler.end(3, is_complete=False, is_failed=True)
    chosen = scheduler.choose()
    assert chosen is not None
    assert chosen.number != 3


def test_ends_of_curves_are_predicted_within_what_is_said() -> None:
    ends = [0.1 * each for each in range(-9, 11)]
    whole = power_laws(ends, seed=4)
    known = [LAST if place % 4 == 0 else 6 for place in range(len(whole))]
    curves = [
        Curve(
            tuple(float(step) for step in range(1, upto + 1)),
            tuple(curve[step] for step in range(1, upto + 1)),
        )
        for curve, upto in zip(whole, known, strict=True)
    ]
    told = predict_ends(curves, LAST, keeps_best=False)
    off = [
        (mean - end) / sd
        for mean, sd, end, upto in zip(told.means, told.sds, ends, known, strict=True)
        if upto < LAST
    ]
    assert np.abs(off).max() < 3.5
    assert np.corrcoef(told.means, ends)[0, 1] > 0.95


def test_curves_that_turn_up_are_predicted_to_unless_the_best_value_counts() -> None:
    def turning(at: float) -> list[float]:
        return [at + 0.02 * abs(step - 10) for step in range(1, LAST + 1)]

    steps = tuple(float(step) for step in range(1, LAST + 1))
    whole = [Curve(steps, tuple(turning(at))) for at in (0.0, 0.1, 0.2, 0.3)]
    part = Curve(steps[:12], tuple(turning(0.15)[:12]))
    last = predict_ends([*whole, part], LAST, keeps_best=False)
    assert last.means[-1] > 0.15 + 0.15
    best = predict_ends([*whole, part], LAST, keeps_best=True)
    assert best.means[-1] <= 0.15 + 1e-6


def test_like_points_are_predicted_to_be_alike_and_far_ones_are_not_known() -> None:
    space: Space = {"x": FloatRange(0.0, 1.0), "kind": Categorical(("a", "b"))}
    unit = UnitPoints(space)
    seen = [{"x": x, "kind": kind} for x in (0.0, 0.1, 0.2, 0.3) for kind in ("a", "b")]
    values = np.array([float(str(each["x"])) + (each["kind"] == "b") for each in seen])
    process = fit_process(
        np.array([unit.vector(each) for each in seen]), values, np.full(8, 1e-4), unit.columns
    )
    asked = [{"x": 0.15, "kind": "a"}, {"x": 0.15, "kind": "b"}, {"x": 1.0, "kind": "a"}]
    means, variances = process.predict(np.array([unit.vector(each) for each in asked]))
    assert means[:2] == pytest.approx([0.15, 1.15], abs=0.15)
    assert variances[2] > 2 * variances[0]


def test_parameter_that_a_trial_lacks_is_no_value_of_it() -> None:
    space: Space = {
        "kind": Categorical(("sgd", "adam")),
        "momentum": FloatRange(0.0, 1.0, when=(("kind", ("sgd",)),)),
        "lr": FloatRange(1e-4, 1e-2, log=True),
    }
    unit = UnitPoints(space)
    assert unit.vector({"kind": "adam", "lr": 1e-3}).tolist() == pytest.approx(
        [0.0, 1.0, 0.5, 0.0, 0.5]
    )
    assert unit.vector({"kind": "sgd", "momentum": 0.9, "lr": 1e-4}).tolist() == pytest.approx(
        [1.0, 0.0, 0.9, 1.0, 0.0]
    )
