"""A study that learns from an earlier one, run by the real command."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Project, plain

LR = "model.init_args.lr"
WIDTH = {"model.init_args.width": {"int": [2, 8]}}
RATE = {LR: {"float": [1e-3, 1e-1], "log": True}}


def params_of(project: Project, study: str, count: int) -> list[dict[str, Any]]:
    return [project.events(number, study)[0]["params"] for number in range(count)]


def best_first(project: Project, study: str) -> list[tuple[int, float]]:
    """Number and lr of the complete trials."""
    shown = json.loads(project.run("status", study, "--json").stdout)[0]
    assert shown["trials"]["complete"] == 4
    rows = project.query(
        "SELECT number, value FROM trials JOIN trial_values USING (trial_id) ORDER BY value", study
    )
    return [(number, params_of(project, study, 4)[number][LR]) for number, _ in rows]


@pytest.fixture
def earlier(project: Project) -> list[tuple[int, float]]:
    """Number and lr of the trials of a finished study, the best first."""
    result = project.run("run", project.study("earlier", budget={"trials": 4}))
    assert result.returncode == 0, result.stderr
    return best_first(project, "earlier")


def test_a_killed_study_goes_on_with_what_it_learnt(
    project: Project, earlier: list[tuple[int, float]], wait_for: Callable[..., Any]
) -> None:
    given = project.study(
        "new",
        space=RATE | WIDTH,
        warm_start="earlier",
        model={"class_path": "tiny.Tiny", "init_args": {"lr": 0.05, "width": 4, "pause": 0.05}},
        budget={"trials": 5},
    )
    process = project.start("run", given)
    wait_for(lambda: project.epochs(1, "new"), "an epoch of trial 1")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    shutil.rmtree(project.root / "studies" / "earlier")
    resumed = project.run("resume", "new")
    assert resumed.returncode == 0, resumed.stderr
    assert "warm start" not in resumed.stdout
    found = params_of(project, "new", 5)
    # the configuration's own width, which the earlier study did not search
    expected = [{LR: 0.05}, *({LR: rate} for _, rate in earlier[:3])]
    assert found[:4] == [{**each, "model.init_args.width": 4} for each in expected]
    shown = plain(project.run("show", "new", "1").stdout)
    assert f"warm start the values of earlier, trial {earlier[0][0]}" in shown
    assert "learns from 4 trials of earlier (weight 0." in shown
    assert "new warm start: 4 trials of earlier (weight 0." in plain(project.run("status").stdout)


def test_what_a_new_study_learns_from_is_told(
    project: Project, earlier: list[tuple[int, float]]
) -> None:
    wrong = project.run("run", project.study("new", warm_start=["earler", "tiny.py"]))
    assert wrong.returncode == 2
    assert wrong.stderr.splitlines() == [
        f"{project.root / 'new.yaml'}: warm_start: earler: is no study in studies, no folder and "
        "no file. Did you mean earlier?",
        f"{project.root / 'new.yaml'}: warm_start: tiny.py: is no SQLite database. Name a study, "
        "its folder, or such a file.",
    ]
    assert not (project.root / "studies" / "new").exists()
    checked = project.run("check", project.root / "new.yaml")
    assert checked.returncode == 2
    assert checked.stderr == wrong.stderr
    shutil.copyfile(project.root / "studies" / "earlier" / "study.db", project.root / "kept.db")
    database = "kept.db"
    result = project.run("run", project.study("new", warm_start=database, budget={"trials": 2}))
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert (
        f"warm start: 4 trials of {database}; 3 of the best configurations are tried early"
    ) in result.stdout
    changed = project.run("run", project.study("new", warm_start="earlier"))
    assert changed.returncode == 2
    assert f"warm_start: was [{database}], is [earlier]" in changed.stderr
