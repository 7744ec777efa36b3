"""Curves as a pruner compares them, where no two trials share a step."""

from __future__ import annotations

from search.engine.alignment import aligned
from search.engine.pruners import make_pruner


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
