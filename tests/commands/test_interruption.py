"""Signals and kills while real trials train; then going on."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil
import pytest
from conftest import Project, attempts_of

SLOW = {"class_path": "tiny.Tiny", "init_args": {"pause": 0.02}}
EPOCHS = {"max_epochs": 12, "accelerator": "cpu", "num_sanity_val_steps": 0}


@pytest.fixture
def uninterrupted(project: Project) -> dict[int, dict[int, float]]:
    """The curves of the study when nothing happens to it."""
    path = project.study("reference", model=SLOW, trainer=EPOCHS, budget={"trials": 2})
    assert project.run("run", path, "--quiet").returncode == 0
    return project.curves("reference")


def begun(project: Project, wait_for: Callable[..., Any], trials: int = 2) -> subprocess.Popen[str]:
    """A run of the same study whose first trial has some epochs behind it."""
    path = project.study("study", model=SLOW, trainer=EPOCHS, budget={"trials": trials})
    process = project.start("run", path)
    wait_for(lambda: project.epochs() >= 3, "three epochs")
    return process


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_signal_saves_and_the_next_run_ends_where_it_would_have(
    project: Project,
    uninterrupted: dict[int, dict[int, float]],
    wait_for: Callable[..., Any],
    number: int,
    code: int,
) -> None:
    process = begun(project, wait_for)
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert errors == ""
    assert "search resume study" in output
    assert project.states() == ["WAITING"]
    assert (project.root / "studies/study/trials/0000/last.ckpt").is_file()
    shown = project.run("show", "study", "0").stdout
    assert re.search("a kill repeats +at most .* s of training", shown)

    result = project.run("resume", "study")
    assert result.returncode == 0, result.stderr
    assert "(attempt 2, from epoch " in result.stdout
    assert project.states() == ["COMPLETE", "COMPLETE"]
    assert project.curves() == uninterrupted


def test_second_ctrl_c_ends_a_trial_that_does_not_listen(
    project: Project, wait_for: Callable[..., Any]
) -> None:
    path = project.study(
        model={"class_path": "tiny.Tiny", "init_args": {"mode": "hang", "when": 1}}
    )
    process = project.start("run", path)
    wait_for(project.epochs, "the first epoch")
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    wait_for(lambda: "stopping" in process.stdout.readline(), "the answer to Ctrl-C")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=8)
    assert process.returncode == 130
    assert project.states() == ["WAITING"]


def test_kill_of_the_coordinator_leaves_no_process_and_loses_nothing(
    project: Project, uninterrupted: dict[int, dict[int, float]], wait_for: Callable[..., Any]
) -> None:
    process = begun(project, wait_for)
    process.kill()
    process.communicate()
    wait_for(lambda: not attempts_of(os.getpid()), "the end of its attempts", timeout_s=5)
    assert project.states() == ["RUNNING"]

    result = project.run("run", project.root / "study.yaml")
    assert result.returncode == 0, result.stderr
    assert "trial 0 was cut off and goes on from its last checkpoint" in result.stdout
    assert project.states() == ["COMPLETE", "COMPLETE"]
    assert project.curves() == uninterrupted


def test_kill_of_an_attempt_makes_another_that_goes_on(
    project: Project, uninterrupted: dict[int, dict[int, float]], wait_for: Callable[..., Any]
) -> None:
    process = begun(project, wait_for)
    (pid,) = [event["pid"] for event in project.events(0) if event["event"] == "attempt_started"]
    os.kill(pid, signal.SIGKILL)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "trial    0  killed" in output
    assert project.states() == ["COMPLETE", "COMPLETE"]
    assert project.curves() == uninterrupted
    causes = [e["cause"] for e in project.events(0) if e["event"] == "attempt_ended"]
    assert causes == ["killed", "done"]


def test_fork_servers_that_die_one_after_another_end_the_run_with_their_log(
    project: Project, wait_for: Callable[..., Any]
) -> None:
    process = begun(project, wait_for)
    while process.poll() is None:
        with suppress(psutil.NoSuchProcess):
            for server in psutil.Process(process.pid).children():
                server.kill()
        time.sleep(0.05)
    _, errors = process.communicate()
    assert process.returncode == 2
    assert errors == (
        "the process that loads torch ended 3 times, by SIGKILL. Its output: "
        "studies/study/server.log. Remove the cause, such as a limit of this shell (`ulimit -a` "
        "shows them), then run the same command again.\n"
    )
    assert project.run("run", project.root / "study.yaml", "--quiet").returncode == 0
    assert project.states() == ["COMPLETE", "COMPLETE"]


def test_second_run_of_a_study_is_refused_while_one_runs(
    project: Project, wait_for: Callable[..., Any]
) -> None:
    process = begun(project, wait_for, trials=200)
    result = project.run("run", project.root / "study.yaml")
    assert result.returncode == 2
    assert result.stderr == (
        f"studies/study: is being run by process {process.pid}. "
        "Wait for it, stop it with Ctrl-C, or run another study.\n"
    )
    assert "running" in project.run("status").stdout
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)


def test_attempt_runs_by_hand_from_its_folder(project: Project) -> None:
    import sys

    path = project.study(budget={"trials": 1})
    assert project.run("run", path, "--quiet").returncode == 0
    folder = project.root / "studies/study/trials/0000"
    (value,) = [e["value"] for e in project.events(0) if e["event"] == "attempt_ended"]
    (folder / "last.ckpt").unlink()
    result = subprocess.run(
        [sys.executable, "-m", "search.trial", folder],
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert f"value={value!r}" in result.stdout
