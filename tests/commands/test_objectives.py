"""Several objectives for real: trained, pruned, killed, resumed, looked at."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from typing import Any

import pytest

from tests.conftest import Project

LR, WIDTH = "model.init_args.lr", "model.init_args.width"
SECTIONS: dict[str, Any] = {
    "objective": None,
    "objectives": [{"metric": "val_score", "direction": "maximize"}, {"metric": "parameters"}],
    "prune_on": "val_score",
    "outcome_constraints": ["parameters <= 70", "peak_memory <= 1e12"],
    "model": {"class_path": "tiny.Tiny", "init_args": {"pause": 0.02}},
    "trainer": {"max_epochs": 6, "accelerator": "cpu", "num_sanity_val_steps": 0},
    "space": {LR: {"float": [1e-4, 1e-1], "log": True}, WIDTH: {"int": [2, 40]}},
    "pruner": {"name": "median", "n_startup_trials": 1},
    "budget": {"trials": 8},
}


@pytest.fixture(scope="module")
def finished(shared_project: Project) -> Project:
    """A study whose coordinator was killed in the middle of a trial, and then went on."""
    path = shared_project.study(**SECTIONS)
    process = shared_project.start("run", path)
    while not any(shared_project.epochs(number) == 3 for number in range(8)):
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.communicate()
    done = shared_project.run("run", path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "study study finished: 8 of 8 trials" in done.stdout
    return shared_project


def trials(project: Project) -> list[dict[str, Any]]:
    exported = project.run("export", "--format", "json")
    listed: list[dict[str, Any]] = json.loads(exported.stdout)["trials"]
    return listed


def test_every_trial_has_what_it_took(finished: Project) -> None:
    listed = trials(finished)
    assert {"done", "infeasible"} <= {trial["cause"] for trial in listed}
    for trial in listed:
        width = trial["params"][WIDTH]
        assert trial["parameters"] == 3 * width + 1
        assert trial["peak_memory"] > 1 << 20
        if width > 23:
            assert (trial["state"], trial["cause"]) == ("PRUNED", "infeasible")
            assert trial["infeasible"] == ["parameters <= 70"]
            assert (trial["curve"], trial["epoch_time"]) == ([], None)
        else:
            assert trial["epoch_time"] > 4 * 0.02
            assert trial["infeasible"] == []
        if trial["state"] == "COMPLETE":
            best = max(value for _, value in trial["curve"])
            assert trial["values"] == [best, trial["parameters"]]


def test_killed_trial_went_on_with_the_epochs_it_had(finished: Project) -> None:
    (first,) = [trial for trial in trials(finished) if len(trial["attempts"]) == 2]
    assert [step for step, _ in first["curve"]] == list(range(1, len(first["curve"]) + 1))
    number = first["number"]
    measured = [event for event in finished.events(number) if event["event"] == "measured"]
    # the second attempt begins with the epochs before its checkpoint
    assert measured[0]["epoch_time"] is None
    assert measured[1]["epoch_time"] > 0
    assert measured[-1]["epoch_time"] == first["epoch_time"]
    assert measured[-1]["peak_memory"] >= measured[0]["peak_memory"]


def test_best_prints_the_pareto_front(finished: Project) -> None:
    front = json.loads(finished.run("best", "--json").stdout)["front"]
    values = [trial["values"] for trial in front]
    assert values == sorted(values, reverse=True)
    assert [size for _, size in values] == sorted((s for _, s in values), reverse=True)
    assert all(trial["checkpoint"].endswith("best.ckpt") for trial in front)
    text = finished.run("best").stdout
    assert text.startswith(f"study, Pareto front: {len(front)} of 8 trials\n")
    assert re.search(r"trial +val_score ↑ +parameters ↓", text)
    assert f"front of {len(front)}" in finished.run("status").stdout


def test_report_and_table_show_every_objective(finished: Project) -> None:
    assert finished.run("report").returncode == 0
    page = (finished.root / "studies" / "study" / "report.html").read_text()
    for heading in ("Pareto front", "History: val_score", "History: parameters"):
        assert f">{heading}</h2>" in page
    rows = list(csv.DictReader(io.StringIO(finished.run("export").stdout)))
    complete = [row for row in rows if row["state"] == "COMPLETE"]
    assert all(row["values.parameters"] == f"{row['parameters']}.0" for row in complete)


def test_events_and_database_agree(finished: Project) -> None:
    done = finished.run("rebuild", "study")
    assert done.stdout == ("study: the database and the events of 8 trials agree, nothing to do\n")


def test_metric_that_is_not_logged_is_told_at_its_place(project: Project) -> None:
    path = project.study(
        objective=None,
        objectives=[{"metric": "val_loss"}, {"metric": "parameters"}],
        outcome_constraints=["paramters <= 100"],
    )
    done = project.run("run", path)
    assert done.returncode == 2
    assert done.stderr == (
        f"{path}: outcome_constraints.0: paramters is not logged at a validation; logged are "
        "val_loss, val_score. Did you mean parameters?\n"
    )
    assert not (project.root / "studies").exists()


def test_study_without_a_feasible_trial_has_no_best(project: Project) -> None:
    path = project.study(outcome_constraints=["parameters <= 3"], budget={"trials": 2})
    done = project.run("run", path)
    assert done.returncode == 0
    assert "infeasible" in done.stdout
    best = project.run("best")
    assert (best.returncode, best.stderr) == (
        1,
        "study: no finished trial keeps to parameters <= 3.\n",
    )
