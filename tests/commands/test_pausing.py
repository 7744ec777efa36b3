"""Trials that are paused and go on from their checkpoint."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from faults.halved import EPOCHS, TRIALS, halved


@pytest.fixture(scope="module")
def reference(shared_project: Project) -> Project:
    """The study when nothing happens to it, as `study`, and without its scheduler, as `plain`."""
    project = shared_project
    assert project.run("run", halved(project), "-q").returncode == 0
    assert project.run("run", halved(project, "plain", scheduler=None), "-q").returncode == 0
    return project


def causes(project: Project, number: int) -> list[str]:
    events = project.events(number)
    return [event["cause"] for event in events if event["event"] == "attempt_ended"]


def test_trial_that_was_paused_is_trained_to_the_very_same_values(reference: Project) -> None:
    curves, plain = reference.curves("study"), reference.curves("plain")
    assert set(curves) == set(plain) == set(range(TRIALS))
    for number, curve in curves.items():
        assert curve == {step: plain[number][step] for step in curve}
    went_on = [number for number in curves if causes(reference, number)[:1] == ["paused"]]
    assert [number for number in went_on if len(causes(reference, number)) > 1]
    complete = [number for number, curve in curves.items() if len(curve) == EPOCHS]
    assert {reference.states("study")[number] for number in complete} == {"COMPLETE"}


def test_total_counts_configurations_and_what_is_left_paused_ends_as_pruned(
    reference: Project,
) -> None:
    states = reference.states("study")
    assert len(states) == TRIALS
    assert set(states) == {"COMPLETE", "PRUNED"}
    for number, state in enumerate(states):
        trial = reference.root / f"studies/study/trials/{number:04d}"
        assert (trial / "best.ckpt").exists() is (state == "COMPLETE")
        assert not (trial / "last.ckpt").exists() or state == "COMPLETE"
        last = reference.events(number)[-1]
        if state == "PRUNED":
            assert last["event"] == "closed"
            assert last["value"] == list(reference.curves("study")[number].values())[-1]


def test_each_pause_and_each_going_on_has_its_reason(reference: Project) -> None:
    told = [event for number in range(TRIALS) for event in reference.events(number)]
    pauses = [event["why"] for event in told if event.get("paused")]
    assert pauses
    assert all("one of 2 goes on, so far" in why for why in pauses)
    assert any(event["event"] == "attempt_started" and "why" in event for event in told)
    first = next(n for n in range(TRIALS) if reference.states("study")[n] == "PRUNED")
    why = reference.run("why", "study", str(first)).stdout
    assert "paused at epoch" in why
    assert "closed at epoch" in why
    (*_, last) = json.loads(reference.run("why", "study", str(first), "--json").stdout)["verdicts"]
    assert last["verdict"] == "closed"
    shown = reference.run("show", "study", str(first)).stdout
    assert "was paused and did not go on: others were better" in shown
    assert "one of 2 goes on, so far" in shown


def test_rebuilt_database_is_the_same(reference: Project) -> None:
    before = reference.states("study"), reference.curves("study")
    (reference.root / "studies/study/study.db").unlink()
    result = reference.run("rebuild", "study")
    assert result.returncode == 0, result.stderr
    assert (reference.states("study"), reference.curves("study")) == before


def test_paused_trials_go_on_to_their_end_once_the_study_has_no_scheduler(
    project: Project, wait_for: Callable[..., Any]
) -> None:
    process = project.start("run", halved(project))
    wait_for(lambda: project.epochs(2), "three trials")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    (study,) = json.loads(project.run("status", "--json").stdout)
    assert study["trials"]["paused"] >= 1
    result = project.run("run", halved(project, scheduler="none"), "--trials", "3")
    assert result.returncode == 0, result.stderr
    assert "from now on: scheduler.name: was asha, is none" in result.stdout
    assert set(project.states()) == {"COMPLETE"}
    assert {len(curve) for curve in project.curves().values()} == {EPOCHS}


def test_no_trial_is_paused_before_what_was_measured_in_the_first(project: Project) -> None:
    path = project.study(
        scheduler="asha",
        trainer={"max_epochs": 6, "accelerator": "cpu", "num_sanity_val_steps": 0},
    )
    assert project.run("run", path).returncode == 0
    lines = (project.root / "studies/study/events.jsonl").read_text().splitlines()
    (first,) = [each for each in map(json.loads, lines) if each["event"] == "first_pause"]
    told = [event for number in range(3) for event in project.events(number)]
    assert all(event["step"] >= first["steps"] for event in told if event.get("paused"))
    assert "COMPLETE" in project.states()


def test_thawed_study_that_is_killed_goes_on_as_if_nothing_had_happened(
    project: Project, wait_for: Callable[..., Any]
) -> None:
    def thawed(name: str) -> Path:
        scheduler = {"name": "thaw", "min_resource": 1}
        return halved(project, name, scheduler=scheduler, sampler="tpe", budget={"trials": 14})

    assert project.run("run", thawed("whole"), "-q").returncode == 0
    process = project.start("run", thawed("killed"))
    wait_for(lambda: project.epochs(10, "killed"), "ten trials")
    process.kill()
    process.communicate(timeout=60)
    assert project.run("resume", "killed", "-q").returncode == 0
    assert project.curves("killed") == project.curves("whole")
    assert project.states("killed") == project.states("whole")
    assert set(project.states("whole")) == {"COMPLETE", "PRUNED"}
    told = [event for number in range(14) for event in project.events(number, "whole")]
    whys = [event["why"] for event in told if event.get("paused")]
    assert whys
    assert all(" chance to beat " in why for why in whys)


def test_distributed_trial_is_paused_and_goes_on(project: Project) -> None:
    trainer = {
        "max_epochs": 3,
        "accelerator": "cpu",
        "num_sanity_val_steps": 0,
        "devices": 2,
        "strategy": "ddp",
    }
    path = halved(project, trainer=trainer, budget={"trials": 3})
    result = project.run("run", path)
    assert result.returncode == 0, result.stderr
    assert "paused at epoch 1" in result.stdout
    assert "COMPLETE" in project.states()


def test_several_workers_keep_to_the_total(project: Project) -> None:
    path = halved(project, scheduler={"name": "hyperband", "min_resource": 1})
    result = project.run("run", path, "--workers", "2")
    assert result.returncode == 0, result.stderr
    assert len(project.states()) == TRIALS
    assert set(project.states()) == {"COMPLETE", "PRUNED"}
    assert {len(curve) for curve in project.curves().values()} <= {1, 3, EPOCHS}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"scheduler": "pb2"}, "Write scheduler: pbt."),
        ({"scheduler": "median"}, "That ends trials for good: write pruner: median"),
        ({"scheduler": {"name": "asha", "eta": 3}}, "scheduler.eta: asha has no such option."),
        ({"scheduler": {"name": "asha", "reduction_factor": 1}}, "scheduler.reduction_factor"),
    ],
)
def test_wrong_scheduler_is_told_in_one_line(
    project: Project, changes: dict[str, Any], text: str
) -> None:
    result = project.run("run", project.study(**changes))
    assert result.returncode == 2
    assert text in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (project.root / "studies").exists()
