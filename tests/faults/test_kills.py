"""SIGKILL of attempts and of the coordinator at random moments, and many workers at once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from statistics import median
from typing import Any

import psutil
import pytest
from conftest import Project
from faults.invariant import SECRET, check_invariant
from faults.table import RowWriter

ATTEMPT_KILLS = 50
COORDINATOR_KILLS = 20
SEEDS = (1, 2, 3)
WORKERS, TRIALS_A_WORKER, REPORTS = 8, 25, 10


def epochs(count: int) -> dict[str, Any]:
    return {"max_epochs": count, "accelerator": "cpu", "num_sanity_val_steps": 0}


def slow(pause: float) -> dict[str, Any]:
    return {"class_path": "tiny.Tiny", "init_args": {"pause": pause}}


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Something in the environment that must show nowhere."""
    monkeypatch.setenv("WANDB_API_KEY", SECRET)


def working(project: Project) -> list[tuple[int, int]]:
    """Trial and process of each attempt that is under way now."""
    found = []
    for path in sorted((project.root / "studies/study/trials").glob("*/events.jsonl")):
        number = int(path.parent.name)
        try:
            starts_and_ends = [
                event
                for event in project.events(number)
                if event["event"] in ("attempt_started", "attempt_ended")
            ]
        except ValueError:
            continue
        if starts_and_ends and starts_and_ends[-1]["event"] == "attempt_started":
            found.append((number, starts_and_ends[-1]["pid"]))
    return found


def kill_attempts(
    project: Project, process: subprocess.Popen[str], kills: int, chance: random.Random
) -> int:
    """Kill random attempts at random moments, no trial more than twice; how many were killed.

    A third kill without any progress in between would rightly end a trial.
    """
    killed: Counter[int] = Counter()
    while process.poll() is None and sum(killed.values()) < kills:
        time.sleep(chance.uniform(0.0, 0.25))
        targets = [(n, pid) for n, pid in working(project) if killed[n] < 2]
        if targets:
            number, pid = chance.choice(targets)
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            killed[number] += 1
    return sum(killed.values())


def pauses_s(project: Project, number: int) -> list[float]:
    """From the end of each attempt at a trial to the start of the next."""
    found, ended = [], None
    for event in project.events(number):
        at = datetime.fromisoformat(event["time"])
        if event["event"] == "attempt_ended":
            ended = at
        elif event["event"] == "attempt_started" and ended is not None:
            found.append((at - ended).total_seconds())
    return found


def assert_nothing_lost_to_attempt_kills(project: Project, kills: int, trials: int) -> str:
    """Returns what it showed, for the table."""
    path = project.study(
        model=slow(0.015), trainer=epochs(6), budget={"trials": trials}, sampler="random"
    )
    process = project.start("run", path, "--workers", "2")
    killed = kill_attempts(project, process, kills, random.Random(kills))
    output, errors = process.communicate(timeout=400)
    assert process.returncode == 0, errors
    assert killed == kills
    check_invariant(project, asked=trials, output=output + errors)
    assert project.states() == ["COMPLETE"] * trials
    assert {len(curve) for curve in project.curves().values()} == {6}
    healed_s = [pause for number in range(trials) for pause in pauses_s(project, number)]
    return f"{kills}, 0 lost, the trial goes on after {median(healed_s):.2f} s (median)"


def test_no_trial_is_lost_when_attempts_are_killed(project: Project, row: RowWriter) -> None:
    result = assert_nothing_lost_to_attempt_kills(project, ATTEMPT_KILLS, trials=45)
    row("SIGKILL of a random attempt at a random moment", result)


def test_no_trial_is_lost_when_the_fork_server_is_killed(project: Project, row: RowWriter) -> None:
    path = project.study(
        model=slow(0.02), trainer=epochs(6), budget={"trials": 12}, sampler="random"
    )
    process = project.start("run", path, "--workers", "2")
    killed = 0
    for begun in (1, 4, 7):
        while process.poll() is None and not any(n > begun for n, _ in working(project)):
            time.sleep(0.02)
        (server,) = psutil.Process(process.pid).children()
        server.kill()
        killed += 1
    output, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    check_invariant(project, asked=12, output=output + errors)
    assert project.states() == ["COMPLETE"] * 12
    row("SIGKILL of the fork server", f"{killed}, 0 lost")


def assert_nothing_lost_to_coordinator_kills(
    project: Project, wait_for: Callable[..., Any], kills: int
) -> str:
    """Each start is killed somewhere; the next one heals and goes on, until there is no kill.

    Returns what it showed, for the table.
    """
    chance = random.Random(kills)
    path = project.study(
        model=slow(0.01),
        trainer=epochs(4),
        budget={"trials": kills * 100},  # more than can be trained between the kills
        sampler="random",
    )
    for _ in range(kills):
        process = project.start("run", path, "--quiet")
        # the first two seconds load torch; a third of the kills falls into them
        time.sleep(chance.uniform(0.3, 6.0))
        assert process.poll() is None, "it ended by itself, before its kill"
        process.kill()
        process.communicate()
        if (project.root / "studies/study/study.yaml").exists():
            check_invariant(project, cut_off=True)
    process = project.start("run", path, "--quiet")
    # every kill may have come before there was a study
    wait_for((project.root / "studies/study/study.yaml").exists, "a study")
    wait_for(lambda: "RUNNING" in project.states(), "a trial that runs")
    process.kill()
    process.communicate()
    trials = len(project.states()) + 3
    began = time.monotonic()
    process = project.start("run", path, "--quiet", "--trials", str(trials))
    # the trial that was cut off waits before torch is loaded, and runs again after
    wait_for(lambda: "RUNNING" not in project.states(), "the study healed")
    healed_s = time.monotonic() - began
    output, errors = process.communicate(timeout=400)
    assert process.returncode == 0, errors
    check_invariant(project, asked=trials, output=output + errors)
    assert project.states() == ["COMPLETE"] * trials
    return f"{kills}, 0 lost, 0 orphans, the next start has healed it after {healed_s:.1f} s"


def test_no_trial_is_lost_when_the_coordinator_is_killed(
    project: Project, wait_for: Callable[..., Any], row: RowWriter
) -> None:
    result = assert_nothing_lost_to_coordinator_kills(project, wait_for, COORDINATOR_KILLS)
    row("SIGKILL of the coordinator", result)


@pytest.mark.timeout(600)
def test_many_workers_lose_no_trial_and_no_report(project: Project, row: RowWriter) -> None:
    asked = WORKERS * TRIALS_A_WORKER
    trials, reports = 0, 0
    for seed in SEEDS:
        name = f"seed{seed}"
        path = project.study(
            name, trainer=epochs(REPORTS), budget={"trials": asked}, sampler="random", seed=seed
        )
        result = project.run("run", path, "--workers", str(WORKERS), "--quiet")
        assert result.returncode == 0, result.stderr
        check_invariant(project, name, asked=asked, output=result.stdout + result.stderr)
        trials += project.states(name).count("COMPLETE")
        reports += project.query("SELECT count(*) FROM trial_intermediate_values", name)[0][0]
    all_trials = asked * len(SEEDS)
    assert (trials, reports) == (all_trials, all_trials * REPORTS)
    row(
        f"{WORKERS} workers x {TRIALS_A_WORKER} trials x {REPORTS} reports, {len(SEEDS)} seeds",
        f"{trials} of {all_trials} trials, {reports} of {all_trials * REPORTS} reports",
    )
