"""Curves as a pruner compares them, where no two trials share a step."""

from __future__ import annotations

import pytest

from search.engine.alignment import aligned
from search.engine.opening import pruner_of
from search.engine.pruners import make_pruner
from search.study.file import parse_study_tree
from search.study.steps import Steps


def test_curve_has_what_was_last_reported_at_each_step() -> None:
    curve = {30: 0.3, 15: 0.5, 47: 0.2}
    assert aligned(curve, [10, 15, 16, 32, 47, 48]) == {15: 0.5, 16: 0.5, 32: 0.3, 47: 0.2}
    assert aligned({}, [1, 2]) == {}


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
