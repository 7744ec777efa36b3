"""The steps of reports: distinct, growing, and the same thing in every trial of a study."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from typing import Any

import optuna
import pytest
from conftest import Project
from database_state import disagreements

from search.layout import StudyFolder
from search.store.events.optuna_trials import STUDY

CPU = {"accelerator": "cpu", "num_sanity_val_steps": 0}
LR = {"model.init_args.lr": {"float": [1e-3, 1e-1], "log": True}}


def steps(project: Project, study: str = "study") -> list[list[int]]:
    """The steps of each trial's reports, in the order in which they were told."""
    numbers = range(len(project.states(study)))
    told = [[e for e in project.events(n, study) if e["event"] == "reported"] for n in numbers]
    return [[event["step"] for event in events] for events in told]


def test_validations_over_epochs_have_a_step_each(
    project: Project, wait_for: Callable[..., Any]
) -> None:
    """Also where the trial is killed on its way: 4 epochs of 4 batches, one in 3 batches."""
    path = project.study(
        model={"class_path": "tiny.Tiny", "init_args": {"pause": 0.03}},
        trainer={
            "max_epochs": 4,
            "check_val_every_n_epoch": None,
            "val_check_interval": 3,
            **CPU,
        },
        budget={"trials": 1},
    )
    process = project.start("run", path)
    wait_for(lambda: project.epochs() >= 3, "three validations")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert project.run("run", path).returncode == 0
    assert list(project.curves()[0]) == [1, 2, 3, 4, 5]


@pytest.fixture(scope="module")
def varied(shared_project: Project) -> Project:
    """Trials with batches of 4, 5 and 8 of 32 samples that validate twice an epoch."""
    path = shared_project.study(
        trainer={"max_epochs": 4, "val_check_interval": 0.5, **CPU},
        space={**LR, "model.init_args.batch_size": {"choice": [4, 5, 8]}},
        pruner={"name": "median", "n_startup_trials": 1, "n_warmup_steps": 1},
        # the quick learners first, then the slow ones that a median prunes
        enqueue=[
            {"model.init_args.lr": lr, "model.init_args.batch_size": size}
            for lr in (0.1, 1e-3)
            for size in (4, 5, 8, 5)
        ],
        budget={"trials": 8},
        seed=3,
    )
    result = shared_project.run("run", path)
    assert result.returncode == 0, result.stderr
    assert (
        "steps count samples seen: trials validate inside epochs, of batches that differ; a "
        "pruner's steps are epochs of 32 samples"
    ) in result.stdout
    return shared_project


def test_steps_of_different_batches_are_samples(varied: Project) -> None:
    whole = [16, 32, 48, 64, 80, 96, 112, 128]
    # seven batches of 5, of which the last has 2: one in three batches
    of_five = [15, 30, 47, 62, 79, 94, 111, 126]
    for told in steps(varied):
        assert told in (whole[: len(told)], of_five[: len(told)])
    assert len({tuple(told[:1]) for told in steps(varied)}) == 2


def test_trials_of_different_batches_are_pruned_by_each_other(varied: Project) -> None:
    """No two share a step, and a warm-up of an epoch is one of 32 samples."""
    pruned = [
        told
        for told, state in zip(steps(varied), varied.states(), strict=True)
        if state == "PRUNED"
    ]
    assert any(told[0] == 15 for told in pruned)
    assert any(told[0] == 16 for told in pruned)
    assert all(told[-1] >= 32 for told in pruned)


def test_steps_are_told_by_show_export_and_report(varied: Project) -> None:
    assert "val_loss by samples seen" in varied.run("show", "0", "-s", "study").stdout
    exported = json.loads(varied.run("export", "-s", "study", "--format", "json").stdout)
    assert exported["steps"] == "samples"
    shown = varied.run("report", "-s", "study", "--figure", "intermediate", "--format", "json")
    figure = json.loads((varied.root / shown.stdout.strip()).read_text())
    assert figure["layout"]["xaxis"]["title"]["text"] == "samples seen"


def test_steps_of_a_study_stay_what_they_were(varied: Project) -> None:
    """One that began before steps were told apart goes on as it began."""
    folder = StudyFolder(varied.root / "studies" / "study")
    assert disagreements(folder) == []
    events = folder.events.read_text()
    kept = [line for line in events.splitlines() if '"steps"' not in line]
    study = optuna.load_study(study_name="study", storage=f"sqlite:///{folder.db}")
    attributes = study.user_attrs[STUDY]
    try:
        folder.events.write_text("\n".join(kept) + "\n")
        study.set_user_attr(STUDY, {k: v for k, v in attributes.items() if k != "steps"})
        assert varied.run("run", "study.yaml", "--trials", "9").returncode == 0
        assert steps(varied)[8] == list(range(1, len(steps(varied)[8]) + 1))
    finally:
        folder.events.write_text(events)
        study.set_user_attr(STUDY, attributes)
