"""The rows of `docs/conformance.md` that need two ranks, trained by the command with gloo."""

from __future__ import annotations

import shutil

import pytest
from conformance.kinds import RANKS, Kind
from conformance.trials import PROJECTS
from conftest import Project

KILLED = "model.init_args.killed"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", RANKS, ids=lambda kind: kind.name)
def test_kind_of_two_ranks_keeps_what_the_table_says(kind: Kind, project: Project) -> None:
    shutil.copytree(PROJECTS / "kinds", project.root / "kinds")
    path = project.study(
        model={"class_path": kind.model},
        trainer={"max_epochs": 3, "num_sanity_val_steps": 0, **kind.trainer},
        sampler="grid",
        space={KILLED: {"choice": [-1, 0]}},
        budget={"trials": 2},
    )
    run = project.run("run", path)
    assert run.returncode == 0, run.stdout + run.stderr

    causes = {
        number: [event["cause"] for event in project.events(number) if "cause" in event]
        for number in (0, 1)
    }
    assert sorted(causes.values()) == [["done"], ["killed", "done"]]
    curves = project.curves()
    assert curves[0] == curves[1]
    assert len(curves[0]) == 3

    export = project.run("export", "study", "best/")
    assert export.returncode == 0, export.stderr
    replay = project.run("replay", "best/")
    assert replay.returncode == 0, replay.stdout + replay.stderr
