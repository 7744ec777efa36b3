"""One worker, one study file, one seed: the same trials and values, whatever happened meanwhile."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from conftest import Project

# dropout and a shuffled loader are in the module itself
STUDY = {
    "model": {"class_path": "tiny.Tiny", "init_args": {"pause": 0.01}},
    "trainer": {"max_epochs": 6, "accelerator": "cpu", "num_sanity_val_steps": 0},
    "space": {
        "model.init_args.lr": {"float": [1e-4, 1e-1], "log": True},
        "model.init_args.width": {"int": [2, 16]},
        "trainer.accumulate_grad_batches": {"choice": [1, 2]},
    },
    "sampler": {"name": "tpe", "n_startup_trials": 3},
    "pruner": {"name": "median", "n_startup_trials": 2, "n_warmup_steps": 1},
    "batch": {"auto_scale": "binsearch", "max": 8},
    "budget": {"trials": 9},
    "seed": 7,
}


def told(project: Project, study: str) -> tuple[Any, ...]:
    """Everything that a sampler, a pruner or a user can see of the trials."""
    params = project.query(
        "SELECT number, param_name, param_value FROM trials JOIN trial_params USING (trial_id) "
        "ORDER BY number, param_name",
        study,
    )
    values = project.query(
        "SELECT number, state, value FROM trials LEFT JOIN trial_values USING (trial_id) "
        "ORDER BY number",
        study,
    )
    return params, values, project.curves(study)


def test_interrupted_study_has_the_trials_and_values_of_one_that_was_not(
    project: Project, wait_for: Callable[..., Any]
) -> None:
    reference = project.study("reference", **STUDY)
    assert project.run("run", reference, "--quiet").returncode == 0
    assert "PRUNED" in project.states("reference")

    path = project.study("study", **STUDY)
    # before, between and after the trials that the sampler draws at random
    for trials, number in ((1, signal.SIGINT), (3, signal.SIGKILL), (5, signal.SIGINT)):
        process = project.start("run", path, "--quiet")
        wait_for(lambda last=trials: project.epochs(last) >= 1, f"an epoch of trial {trials}")
        process.send_signal(number)
        process.communicate(timeout=60)
    assert project.run("run", path, "--quiet").returncode == 0
    assert told(project, "study") == told(project, "reference")
