"""Samplers by name: inside the space, the same again, and never from a stranger's pickle."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from scipy.stats.qmc import discrepancy

from search.errors import UserError
from search.sampling.samplers import Sampling
from search.sampling.start_points import start_point
from search.space.distributions import Categorical, FloatRange, IntRange, Space
from search.space.points import Points
from search.store.optuna_distributions import to_optuna

RANGES: Space = {
    "lr": FloatRange(1e-4, 1e-1, log=True),
    "width": IntRange(2, 64, log=True),
    "drop": FloatRange(0.0, 0.6, step=0.1),
    "act": Categorical(("relu", "tanh", None)),
}
LISTS: Space = {"depth": IntRange(1, 3), "act": Categorical(("relu", "tanh"))}
NAMES = ("tpe", "gp", "random", "qmc", "cmaes", "nsgaii")


def sampled(sampling: Sampling, count: int, study: optuna.Study | None = None) -> list[Any]:
    """The parameters of the next `count` trials; the value is the learning rate or depth."""
    study = study or optuna.create_study()
    space = {path: to_optuna(distribution) for path, distribution in sampling.space.items()}
    for _ in range(count):
        study.sampler = sampling.sampler(len(study.trials))
        trial = study.ask(space)
        value = trial.params.get("lr", trial.params.get("depth", 0))
        study._storage.set_trial_state_values(
            trial._trial_id, optuna.trial.TrialState.COMPLETE, [value]
        )
    return [trial.params for trial in study.trials]


@pytest.mark.parametrize("name", NAMES)
def test_sampler_stays_inside_the_space_and_gives_the_same_again(name: str) -> None:
    first = sampled(Sampling(name, {}, Points(RANGES), seed=3), 14)
    assert first == sampled(Sampling(name, {}, Points(RANGES), seed=3), 14)
    for params in first:
        assert 1e-4 <= params["lr"] <= 1e-1
        assert params["width"] in range(2, 65)
        assert params["act"] in ("relu", "tanh", None)
    # a Gaussian process may come back to a corner
    assert len({params["lr"] for params in first}) > 10


@pytest.mark.parametrize("name", ["tpe", "random", "qmc", "nsgaii"])
def test_study_that_was_cut_off_samples_what_it_would_have(name: str) -> None:
    whole = sampled(Sampling(name, {}, Points(RANGES), seed=3), 15)
    study = optuna.create_study()
    sampled(Sampling(name, {}, Points(RANGES), seed=3), 6, study)
    assert sampled(Sampling(name, {}, Points(RANGES), seed=3), 9, study) == whole


def test_each_combination_is_tried_once() -> None:
    sampling = Sampling("bruteforce", {}, Points(LISTS), seed=3)
    assert sampling.combinations == 6
    tried = sampled(sampling, 6)
    assert len({tuple(params.items()) for params in tried}) == 6


@pytest.mark.parametrize("name", ["grid", "bruteforce"])
def test_range_without_steps_cannot_be_listed(name: str) -> None:
    with pytest.raises(UserError) as caught:
        _ = Sampling(name, {}, Points(RANGES), seed=3).combinations
    assert str(caught.value) == (
        f"space.lr: {name} needs a list of values, got a range without steps. "
        "Give it a step, or use choice."
    )


def test_unknown_option_gets_a_did_you_mean() -> None:
    with pytest.raises(UserError) as caught:
        Sampling("tpe", {"multivariat": True}, Points(RANGES), seed=3).sampler(0)
    assert str(caught.value) == (
        "sampler.multivariat: tpe has no such option. Did you mean multivariate?"
    )


def test_option_reaches_optuna() -> None:
    with pytest.raises(UserError, match="sampler: nsgaii refuses its options: "):
        Sampling("nsgaii", {"population_size": 1}, Points(RANGES), seed=3).sampler(0)


def test_values_of_a_stepped_range_end_where_it_ends() -> None:
    assert FloatRange(0.0, 0.3, step=0.1).all_values() == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert IntRange(1, 6, step=2).all_values() == [1, 3, 5]


class Bomb:
    """What a stranger would put into a database."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_cmaes_never_loads_a_pickle_that_it_did_not_write(tmp_path: Path) -> None:
    target = tmp_path / "executed"
    study = optuna.create_study()
    space = {"lr": FloatRange(0.1, 1.0), "drop": FloatRange(0.1, 1.0)}
    distributions = {path: to_optuna(distribution) for path, distribution in space.items()}
    bomb = pickle.dumps(Bomb(target)).hex()
    for _ in range(3):
        study.add_trial(
            optuna.trial.create_trial(
                params={"lr": 0.2, "drop": 0.3},
                distributions=distributions,
                value=1.0,
                system_attrs={f"{prefix}optimizer:0": bomb for prefix in ("cma:", "sepcma:")},
            )
        )
    assert len(sampled(Sampling("cmaes", {}, Points(space), seed=3), 12, study)) == 15
    assert not target.exists()


@pytest.mark.parametrize("name", ["gp", "grid", "bruteforce"])
def test_sampler_that_lists_every_value_refuses_a_list_without_an_end(name: str) -> None:
    sampling = Sampling(name, {}, Points({"exact": IntRange(1, 2**53)}), seed=1)
    with pytest.raises(UserError) as caught:
        _ = sampling.combinations
        sampling.sampler(0)
    assert str(caught.value) == (
        f"space.exact: {name} lists every value, at most 1,000,000, got 9,007,199,254,740,992. "
        "Make it a float without a step, or use sampler: tpe."
    )


SPREAD: Space = {
    "lr": FloatRange(1e-4, 1e-1, log=True),
    "drop": FloatRange(0.0, 0.6),
    "momentum": FloatRange(0.0, 1.0),
}


def quantiles(params: Mapping[str, Any]) -> list[float]:
    return [log(params["lr"] / 1e-4) / log(1e3), params["drop"] / 0.6, params["momentum"]]


@pytest.mark.parametrize("name", ["tpe", "gp"])
def test_first_trials_are_spread_over_the_space(name: str) -> None:
    spread, random = [], []
    for seed in range(20):
        points = [quantiles(each) for each in sampled(Sampling(name, {}, Points(SPREAD), seed), 10)]
        spread.append(discrepancy(points))
        random.append(discrepancy(np.random.default_rng(seed).random((10, 3))))
        first = [point[0] for point in points]
        # the first two in different halves, the first four in different quarters
        assert len({int(each * 2) for each in first[:2]}) == 2
        assert len({int(each * 4) for each in first[:4]}) == 4
    assert np.mean(spread) < 0.3 * np.mean(random)


def test_first_trials_meet_every_value_of_a_choice_and_every_step() -> None:
    space: Space = {
        "act": Categorical(("relu", "tanh", "gelu")),
        "depth": IntRange(1, 4),
        "width": IntRange(8, 64, step=8),
        "size": IntRange(1, 10**9, log=True),
        "only": FloatRange(0.1, 0.9, when=(("act", ("relu",)),)),
    }
    points = [start_point(Points(space), 1, index) for index in range(8)]
    assert {each["act"] for each in points} == {"relu", "tanh", "gelu"}
    assert sorted(each["depth"] for each in points) == [1, 1, 2, 2, 3, 3, 4, 4]
    assert sorted(each["width"] for each in points) == list(range(8, 65, 8))
    for point in points:
        assert all(space[path].contains(value) for path, value in point.items())


def test_start_ends_where_the_sampler_has_seen_enough_and_others_draw_as_they_do() -> None:
    def starts(name: str, number: int, **options: Any) -> bool:
        made = Sampling(name, options, Points(SPREAD), 1).sampler(number)
        return isinstance(made, optuna.samplers.PartialFixedSampler)

    assert starts("tpe", 9)
    assert not starts("tpe", 10)
    assert starts("tpe", 2, n_startup_trials=3)
    assert not starts("tpe", 3, n_startup_trials=3)
    assert not any(starts(name, 0) for name in ("random", "qmc", "cmaes", "nsgaii"))


def test_start_point_that_violates_a_constraint_is_followed_by_another() -> None:
    sampling = Sampling("tpe", {}, Points(SPREAD), 1)
    first, second = sampling._start_point(0, 0), sampling._start_point(0, 1)
    assert first != second
    assert second not in [start_point(Points(SPREAD), 1, index) for index in range(10)]
