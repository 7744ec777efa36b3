"""Curves as a pruner compares them, where no two trials share a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from search.sampling.alignment import AlignedCurve, AlignedStorage
from search.sampling.pruners import make_pruner
from search.sampling.study_settings import pruner_of
from search.study_file.curve_steps import Steps
from search.study_file.load import parse_study_tree


def test_curve_has_what_was_last_reported_at_each_step() -> None:
    curve = {30: 0.3, 15: 0.5, 47: 0.2}
    assert AlignedCurve(curve, [10, 15, 16, 32, 47, 48]) == {15: 0.5, 16: 0.5, 32: 0.3, 47: 0.2}
    assert AlignedCurve({}, [1, 2]) == {}


def test_options_of_a_pruner_that_count_steps_are_epochs() -> None:
    median = make_pruner("median", {"n_startup_trials": 5, "n_warmup_steps": 3}, None, 32)
    assert (median._n_startup_trials, median._n_warmup_steps) == (5, 96)  # type: ignore[attr-defined]
    hyperband = make_pruner("hyperband", {}, 640, 32)
    assert (hyperband._min_resource, hyperband._max_resource) == (32, 640)  # type: ignore[attr-defined]
    patient = {"patience": 2, "wrapped": {"name": "median", "n_warmup_steps": 3}}
    wrapped = make_pruner("patient", patient, None, 32)._wrapped_pruner  # type: ignore[attr-defined]
    assert wrapped._n_warmup_steps == 96


@pytest.mark.parametrize(
    ("steps", "interval", "expected"),
    [
        (Steps("epochs", 32), 1.0, 20),
        (Steps("epochs", 32, at_epoch_ends=True), 0.25, 20),
        (Steps("validations", 32), 0.25, 80),
        (Steps("validations", 32), 50, "auto"),
        (Steps("validations", 32), None, 20),
        (Steps("samples", 32), 0.25, 640),
        (Steps("samples"), 0.25, "auto"),
        (None, 0.25, 80),
    ],
)
def test_largest_resource_of_hyperband_is_in_steps(
    steps: Steps | None, interval: float | None, expected: object
) -> None:
    tree = {
        "model": {"class_path": "tiny.Tiny"},
        "objective": {"metric": "val_loss"},
        "space": {"model.init_args.lr": {"float": [1e-3, 1e-1]}},
        "trainer": {"max_epochs": 20, "val_check_interval": interval},
        "pruner": "hyperband",
    }
    study_file = parse_study_tree(tree, source="study.yaml", default_name="study")
    assert pruner_of(study_file, steps)._max_resource == expected  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "name", ["median", "percentile", "wilcoxon", "successive_halving", "hyperband"]
)
def test_pruner_judges_as_if_all_trials_had_reported_at_the_steps_of_the_one(name: str) -> None:
    """At each report of a trial, against the same trials written with whole curves."""
    steps = range(12, 12 * 30, 12)
    random = Random(3)
    curves = [
        {size * n: random.random() + 0.2 for n in range(1, 400 // size)}
        for size in (5, 8, 16, 20, 28)
    ]
    own: dict[int, float] = {}
    verdicts = []
    for step in steps:
        own[step] = 1.1 - step / 400 + 0.2 * random.random()
        # running, for pruners of successive halving note their rungs with the trial
        judged = [create_trial(state=TrialState.RUNNING, intermediate_values=own)]
        whole = _study([dict(AlignedCurve(curve, own)) for curve in curves], judged)
        trial = whole.trials[-1]
        expected = make_pruner(name, {}, 640, 8).prune(whole, trial)
        study = _study(curves, judged)
        aligned = AlignedStorage(study._storage).study_at(study, own)
        assert make_pruner(name, {}, 640, 8).prune(aligned, trial) == expected
        verdicts.append(expected)
    assert set(verdicts) == {False, True}


def test_finished_trials_are_aligned_once_and_looked_at_with_the_steps_of_the_moment() -> None:
    study = _study([{10: 0.5, 20: 0.25}])
    storage = AlignedStorage(study._storage)
    (before,) = storage.study_at(study, [15]).get_trials(deepcopy=False)
    assert before.intermediate_values == {15: 0.5}
    (after,) = storage.study_at(study, [20, 15]).get_trials(deepcopy=False)
    assert after is before
    assert after.intermediate_values == {15: 0.5, 20: 0.25}
    assert study.trials[0].intermediate_values == {10: 0.5, 20: 0.25}


def _study(
    curves: Sequence[Mapping[int, float]], others: Sequence[FrozenTrial] = ()
) -> optuna.Study:
    """A study in memory of complete trials with these curves, and of `others` after them."""
    study = optuna.create_study(study_name="study")
    for number, curve in enumerate(curves, 1):
        # what successive halving has noted of it
        rungs = {f"completed_rung_{rung}": number / 2 for rung in range(8)}
        study.add_trial(
            create_trial(value=number / 2, intermediate_values=dict(curve), system_attrs=rungs)
        )
    study.add_trials(others)
    return study
