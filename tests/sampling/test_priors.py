"""A right prior finds the optimum sooner, and a wrong one is overcome."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import optuna
import pytest

from search.errors import UserError
from search.sampling.prior_density import log_density, point_at
from search.sampling.samplers import Sampling
from search.sampling.study_settings import sampling_of
from search.space.distributions import Categorical, FloatRange, IntRange, Space
from search.space.points import Points
from search.space.priors import Prior
from search.store.optuna_distributions import to_optuna
from search.study_file.load import parse_study_tree

SEEDS = range(12)
BEST = {"lr": 1e-2, "width": 48, "act": "gelu", "x": 0.8}


def space_of(confidence: str | None = None, **centers: Any) -> Space:
    """A space of four parameters whose optimum is `BEST`, with a prior where there is a center."""
    prior = {name: Prior(center, confidence or "medium") for name, center in centers.items()}
    return {
        "lr": FloatRange(1e-5, 1e-1, log=True, prior=prior.get("lr")),
        "width": IntRange(4, 64, prior=prior.get("width")),
        "act": Categorical(("relu", "tanh", "gelu"), prior=prior.get("act")),
        "x": FloatRange(0.0, 1.0, prior=prior.get("x")),
    }


def loss(params: dict[str, Any]) -> float:
    """Zero at the optimum, about one at the far ends."""
    far = (math.log10(params["lr"] / BEST["lr"]) / 3) ** 2
    far += ((params["width"] - BEST["width"]) / 44) ** 2 + (params["x"] - BEST["x"]) ** 2
    return far + (0.0 if params["act"] == BEST["act"] else 0.2)


def found(space: Space, trials: int, seed: int, sampler: str = "tpe") -> list[dict[str, Any]]:
    """The points of a study that learns from `loss`."""
    sampling = Sampling(sampler, {}, Points(space), seed)
    study = optuna.create_study()
    for number in range(trials):
        study.sampler = sampling.sampler(number)
        trial = study.ask({path: to_optuna(each) for path, each in space.items()})
        study.tell(trial, loss(trial.params))
    return [trial.params for trial in study.trials]


def best(space: Space, trials: int) -> float:
    """The median over seeds of the best loss after so many trials."""
    return float(np.median([min(map(loss, found(space, trials, seed))) for seed in SEEDS]))


@pytest.mark.parametrize("confidence", ["medium", "high"])
def test_a_right_prior_finds_the_optimum_in_fewer_trials(confidence: str) -> None:
    assert best(space_of(confidence, **BEST), 10) < best(space_of(), 15)


@pytest.mark.parametrize("confidence", ["low", "medium", "high"])
def test_a_wrong_prior_is_overcome(confidence: str) -> None:
    wrong = space_of(confidence, lr=2e-5, width=6, act="relu", x=0.1)
    assert best(wrong, 60) < best(space_of(), 30)


def test_random_draws_half_of_its_points_from_the_priors() -> None:
    points = found(space_of("high", x=0.8), 400, 1, "random")
    near = sum(abs(point["x"] - 0.8) < 0.2 for point in points) / len(points)
    # 97 % of the prior and 40 % of the range
    assert near == pytest.approx((0.97 + 0.4) / 2, abs=0.06)


def test_drawn_points_lie_as_the_density_says() -> None:
    space = space_of("low", **BEST)
    shares = np.random.default_rng(0).random((4000, 4))
    points = [point_at(space, [*each, 0.0]) for each in shares.tolist()]
    samples = {
        "width": np.array([float(point["width"]) for point in points]),  # type: ignore[arg-type]
    }
    counts = np.bincount(samples["width"].astype(int), minlength=65)[4:]
    mixed = np.exp(log_density(space, {"width": np.arange(4.0, 65.0)}))
    # a tenth of what is weighed is uniform, and nothing of what is drawn
    density = mixed - 0.1
    expected = density / density.sum() * len(points)
    assert np.abs(counts - expected).max() < 5 * math.sqrt(expected.max())
    acts = [point["act"] for point in points]
    assert acts.count("gelu") / len(acts) == pytest.approx(0.25 + 0.75 / 3, abs=0.04)


def test_points_are_those_of_their_seed_and_number() -> None:
    space = space_of("high", **BEST)
    assert found(space, 14, 3) == found(space, 14, 3) != found(space, 14, 4)


def test_a_study_file_keeps_its_priors_and_its_record_has_none() -> None:
    tree = {
        "model": {"class_path": "a.Net"},
        "objective": {"metric": "m"},
        "space": {
            "model.lr": {
                "float": [1e-5, 0.1],
                "log": True,
                "prior": {"center": 1e-3, "confidence": "high"},
            },
            "model.act": {"choice": ["relu", "gelu"], "prior": {"center": "gelu"}},
        },
    }
    study_file = parse_study_tree(tree, source="s.yaml", default_name="study")
    again = parse_study_tree(study_file.to_tree(), source="s.yaml", default_name="study")
    assert again == study_file
    assert again.space["model.init_args.act"].prior == Prior("gelu", "medium")
    assert "PriorTPESampler" in repr(sampling_of(again).sampler(11))


@pytest.mark.parametrize("name", ["gp", "grid", "qmc", "cmaes", "nsgaii", "bruteforce"])
def test_a_sampler_that_cannot_use_a_prior_refuses_it(name: str) -> None:
    sampling = Sampling(name, {}, Points(space_of("high", x=0.8)), 0)
    with pytest.raises(UserError) as caught:
        sampling.check()
    assert str(caught.value) == (
        f"space.x: {name} cannot use a prior. Use sampler: tpe or random, or leave prior out."
    )
