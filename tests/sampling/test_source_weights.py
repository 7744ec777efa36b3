"""An earlier study helps where it is right, and does little harm where it is not."""

from __future__ import annotations

import functools
import math
from random import Random
from typing import Any

import numpy as np
import optuna
import pytest

from search.sampling.copied_trials import copied_from, warm_start_of
from search.sampling.samplers import Sampling
from search.sampling.source_density import SourceDensity
from search.sampling.source_weights import SourceModels, own_trials, rank_correlation
from search.space.distributions import Categorical, FloatRange, IntRange, Params, Space
from search.space.points import Points
from search.space.priors import Prior
from search.store.earlier_trials import EarlierStudy, EarlierTrial
from search.store.optuna_distributions import to_optuna
from search.store.warm_start import WarmSource, WarmStart, WarmTrial

SEEDS = range(12)
SPACE: Space = {
    "lr": FloatRange(1e-5, 1e-1, log=True),
    "width": IntRange(4, 64),
    "act": Categorical(("relu", "tanh", "gelu")),
    "x": FloatRange(0.0, 1.0),
}
POINTS = Points(SPACE)
BEST = {"lr": 1e-2, "width": 48, "act": "gelu", "x": 0.8}
NEAR = {"lr": 2e-2, "width": 40, "act": "gelu", "x": 0.7}


def loss(params: Any, best: Any = None) -> float:
    """Zero at the optimum, about one at the far ends."""
    best = best or BEST
    far = (math.log10(params["lr"] / best["lr"]) / 3) ** 2
    far += ((params["width"] - best["width"]) / 44) ** 2 + (params["x"] - best["x"]) ** 2
    return far + (0.0 if params["act"] == best["act"] else 0.2)


def source(kind: str, seed: int, count: int = 60) -> WarmSource:
    """Random trials of an earlier study, whose optimum is near to ours, or the worst of ours."""
    random = Random(f"{kind} {seed}")
    trials = []
    for number in range(count):
        params = {path: each.draw(random) for path, each in SPACE.items()}
        value = {
            "near": loss(params, NEAR),
            "reversed": -loss(params),
            "noise": random.random(),
        }[kind]
        trials.append(EarlierTrial(number, params, value, {}))
    return copied_from(kind, EarlierStudy("minimize", tuple(trials)), POINTS)


@functools.cache
def losses(seed: int, trials: int, *kinds: str) -> list[float]:
    """The losses of a study that learns from earlier studies and tries their best points."""
    start = warm_start_of([source(kind, seed) for kind in kinds], POINTS, {}, [])
    models = SourceModels(start, SPACE) if kinds else None
    sampling = Sampling("tpe", {}, POINTS, seed, models=models)
    study = optuna.create_study()
    for number in range(trials):
        is_point = 1 <= number <= len(start.points)
        fixed = start.points[number - 1].params if is_point else None
        study.sampler = sampling.sampler(number, 0, fixed, sampling.weights(study))
        trial = study.ask({path: to_optuna(each) for path, each in SPACE.items()})
        study.tell(trial, loss(trial.params))
    return [trial.values[0] for trial in study.trials]


def best(trials: int, *kinds: str) -> float:
    """The median over seeds of the best loss after so many trials."""
    return float(np.median([min(losses(seed, 30, *kinds)[:trials]) for seed in SEEDS]))


@pytest.mark.real
@pytest.mark.parametrize(("trials", "without"), [(5, 15), (10, 15), (15, 20)])
def test_a_helpful_source_saves_trials(trials: int, without: int) -> None:
    assert best(trials, "near") < best(without)


@pytest.mark.real
@pytest.mark.parametrize("kind", ["reversed", "noise"])
def test_a_misleading_source_does_little_harm(kind: str) -> None:
    # some of the first trials go where it says; after those it is not believed
    assert best(15, kind) < best(10)
    assert best(30, kind) < best(30) + 0.02


@pytest.mark.real
def test_a_misleading_source_beside_a_helpful_one_costs_little() -> None:
    assert best(10, "near", "reversed") < best(10)
    assert best(15, "near", "reversed") < best(15)


def test_the_same_study_samples_the_same_values() -> None:
    once = losses(3, 12, "near")
    losses.cache_clear()
    assert losses(3, 12, "near") == once


def own(*params_and_values: tuple[Any, float]) -> EarlierStudy:
    trials = (
        EarlierTrial(number, params, value, {})
        for number, (params, value) in enumerate(params_and_values)
    )
    return EarlierStudy("minimize", tuple(trials))


def models_of(*kinds: str) -> SourceModels:
    return SourceModels(WarmStart(tuple(source(kind, 0) for kind in kinds)), SPACE)


def random_own(count: int, sign: int = 1) -> EarlierStudy:
    random = Random(7)
    points = [{path: each.draw(random) for path, each in SPACE.items()} for _ in range(count)]
    return own(*((params, sign * loss(params)) for params in points))


def test_a_weight_falls_with_the_trials_of_ones_own() -> None:
    models = models_of("near")
    assert models.weights(own()) == (1.0,)
    assert models.weights(random_own(4)) == (pytest.approx(10 / 14),)
    weights = [models.weights(random_own(count))[0] for count in (10, 40, 160)]
    assert weights[0] > weights[1] > weights[2] > 0


def test_a_weight_falls_with_disagreement() -> None:
    assert models_of("near").weights(random_own(40, sign=-1)) == (0.0,)
    (agreeing,), (random,) = (models_of(kind).weights(random_own(40)) for kind in ("near", "noise"))
    assert agreeing > 2 * random


def test_several_share_by_what_each_is_worth() -> None:
    alone = models_of("near").weights(random_own(40))[0]
    near, other = models_of("near", "reversed").weights(random_own(40))
    assert (near, other) == (pytest.approx(alone), 0.0)
    assert sum(models_of("near", "near").weights(random_own(40))) == pytest.approx(alone)


def test_failed_and_infeasible_trials_say_nothing() -> None:
    distributions = {"x": to_optuna(SPACE["x"])}
    study = optuna.create_study()
    for value, state in ((1.0, "COMPLETE"), (None, "FAIL"), (2.0, "COMPLETE")):
        study.add_trial(
            optuna.trial.create_trial(
                params={"x": 0.5},
                distributions=distributions,
                value=value,
                state=optuna.trial.TrialState[state],
                constraints={"size": 1.0} if value == 2.0 else None,
            )
        )
    assert [each.number for each in own_trials(study.trials, "minimize").trials] == [0]


def density_of(*trials: tuple[Params, float]) -> SourceDensity:
    copies = tuple(WarmTrial(at, params, rank) for at, (params, rank) in enumerate(trials))
    return SourceDensity(WarmSource("a", len(copies), copies), SPACE)


def test_the_ratio_is_highest_where_the_good_trials_are() -> None:
    density = density_of(
        *(({"x": place, "act": "gelu"}, 0.1) for place in (0.7, 0.75, 0.8)),
        *(({"x": place, "act": "relu"}, 0.8) for place in (0.1, 0.2, 0.3, 0.4)),
    )
    along_x = density.log_ratios([{"x": place} for place in (0.75, 0.95, 0.5, 0.2)])
    assert list(along_x) == sorted(along_x, reverse=True)
    gelu, tanh, relu = density.log_ratios([{"act": act} for act in ("gelu", "tanh", "relu")])
    assert gelu > tanh > relu
    # nothing is known of what no trial had, nor of a point without values
    assert density.log_ratios([{"lr": 1e-2}, {}]) == pytest.approx([0.0, 0.0])


def test_trials_of_equal_rank_say_nothing() -> None:
    density = density_of(*(({"x": place}, 0.5) for place in (0.1, 0.9)))
    assert list(density.log_ratios([{"x": 0.1}, {"x": 0.5}])) == [0.0, 0.0]


def test_rank_correlation() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0])
    assert rank_correlation(values, values * 10) == 1.0
    assert rank_correlation(values, -values) == -1.0
    assert rank_correlation(values, np.zeros(4)) == 0.0
    # as scipy.stats.kendalltau has it, with a pair of equals
    tied = np.array([1.0, 2.0, 2.0, 0.0])
    assert rank_correlation(values, tied) == pytest.approx(-0.18257418583505536)


def test_priors_count_beside_a_source() -> None:
    space: Space = {"x": FloatRange(0.0, 1.0, prior=Prior(0.1, "high"))}
    copies = tuple(WarmTrial(at, {"x": at / 20}, abs(at - 12) / 20) for at in range(20))
    start = WarmStart((WarmSource("a", 20, copies),))
    models = SourceModels(start, space)

    def asked(seed: int, number: int, weight: float) -> float:
        sampling = Sampling("tpe", {}, Points(space), seed, models=models)
        study = optuna.create_study(sampler=sampling.sampler(number, 0, None, (weight,)))
        return float(study.ask({"x": to_optuna(space["x"])}).params["x"])

    # first the prior weighs five times as much, after many trials next to nothing
    early, late = ([asked(seed, number, 1.0) for seed in SEEDS] for number in (1, 1001))
    assert np.median(early) < 0.2
    assert 0.4 < np.median(late) < 0.8
