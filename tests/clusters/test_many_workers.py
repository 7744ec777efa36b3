"""Sixty-four attempts at a time on agents that are killed one after another: nothing is lost, said
twice, or done by two. The attempts are real processes, behind real agents in jobs of a real SLURM,
and train nothing."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
from clusters.slurm_cluster import SlurmCluster, wait_until
from clusters.synthetic_attempts import STEPS, in_place, lives, longest_wait_s, value_of
from conftest import Project

from search.layout import StudyFolder

pytestmark = [pytest.mark.real, pytest.mark.timeout(1200)]

AGENTS = 8
OF_AGENT = 8
AGENT = "search.executors.remote.agent"


def synthetic_study(
    project: Project, folder: Path, *, pause: float, of_agent: int = OF_AGENT
) -> Path:
    """Trials of ten reports; a job takes one core however many it has."""
    return project.study(
        model={"class_path": "tiny.Tiny", "init_args": {"pause": pause}},
        sampler="random",
        on={
            "engine": "slurm",
            "trials_per_job": of_agent,
            "setup": [f"export PYTHONPATH={in_place(folder)}"],
            "extra": ["--cpus-per-task=1"],
        },
    )


def agents(slurm: SlurmCluster) -> list[int]:
    """Processes of the agents that are there."""
    found = []
    for pid in slurm.of_jobs():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        except OSError:
            continue
        if words[1:3] == ["-m", AGENT]:
            found.append(pid)
    return found


def assert_whole(project: Project, trials: int) -> None:
    """Assert that each trial has each of its reports once, and never had two attempts at once."""
    assert project.states() == ["COMPLETE"] * trials
    ((rows,),) = project.query("SELECT count(*) FROM trial_intermediate_values")
    assert rows == trials * STEPS
    folder = StudyFolder(project.root / "studies" / "study")
    for number, curve in project.curves().items():
        (lr,) = {
            each["params"]["model.init_args.lr"]
            for each in project.events(number)
            if "params" in each
        }
        assert curve == {step: value_of(lr, step) for step in range(1, STEPS + 1)}, number
        for before, after in pairwise(lives(folder.trial(number))):
            assert before[1] < after[0], f"two attempts at trial {number} at once"


def run_while_agents_die(
    project: Project, slurm: SlurmCluster, folder: Path, *, trials: int, every_s: float
) -> int:
    """Run a study to its end; returns how many agents were killed meanwhile."""
    path = synthetic_study(project, folder, pause=0.4)
    order = random.Random(trials)
    workers, total = str(AGENTS * OF_AGENT), str(trials)
    # quiet: nobody reads what it says before its end
    process = project.start("run", path, "-q", "--workers", workers, "--trials", total)
    wait_until(lambda: len(agents(slurm)) == AGENTS or process.poll() is not None, "agents", 120)
    kills = 0
    while process.poll() is None:
        time.sleep(every_s)
        if there := agents(slurm):
            os.kill(order.choice(there), signal.SIGKILL)
            kills += 1
    output, errors = process.communicate()
    assert process.returncode == 0, output + errors
    return kills


@pytest.mark.parametrize(
    ("trials", "every_s"), [(100, 2.0), pytest.param(1000, 5.0, marks=pytest.mark.long)]
)
def test_no_trial_and_no_report_is_lost_with_agents(
    project: Project, slurm: SlurmCluster, tmp_path: Path, trials: int, every_s: float
) -> None:
    folder = tmp_path / "synthetic"
    folder.mkdir()
    kills = run_while_agents_die(project, slurm, folder, trials=trials, every_s=every_s)
    assert kills >= 3
    assert_whole(project, trials)
    slurm.assert_empty()


def memory_mib(pid: int) -> float:
    """Memory of a process, less what it shares."""
    return float(psutil.Process(pid).memory_full_info().uss) / 2**20


@pytest.mark.benchmark
def test_figures_of_a_thousand_workers(
    project: Project, slurm: SlurmCluster, tmp_path: Path
) -> None:
    """Some minutes at a hundred reports a second: 24 agents of 40 slots, as each node of the tests
    has eight cores."""
    folder = tmp_path / "synthetic"
    folder.mkdir()
    trials, workers = 2400, 24 * 40
    path = synthetic_study(project, folder, pause=10.0, of_agent=40)
    options = ("-q", "--workers", str(workers), "--trials", str(trials))
    began = time.monotonic()
    process = project.start("run", path, *options)
    most = {"coordinator": 0.0, "bridge": 0.0}
    cpu_s = dict(most)
    while process.poll() is None:
        time.sleep(5)
        with contextlib.suppress(psutil.Error):
            coordinator = psutil.Process(process.pid)
            for name, each in zip(most, [coordinator, *coordinator.children()], strict=False):
                most[name] = max(most[name], memory_mib(each.pid))
                cpu_s[name] = sum(each.cpu_times()[:2])
    assert process.returncode == 0, process.communicate()
    passed_s = time.monotonic() - began
    assert_whole(project, trials)
    study = StudyFolder(project.root / "studies" / "study")
    waits = sorted(longest_wait_s(study.trial(number)) for number in range(trials))
    causes = Counter(
        each["cause"]
        for number in range(trials)
        for each in project.events(number)
        if each["event"] == "attempt_ended"
    )
    print(f"\n{workers} workers, {trials} trials, {trials * STEPS / passed_s:.0f} reports/s")
    print(f"{passed_s:.0f} s; CPU seconds {cpu_s}; memory in MiB {most}; ends {dict(causes)}")
    half_s, longest_s = waits[trials // 2], waits[-1]
    print(f"longest wait for a verdict {longest_s:.2f} s, in half of the trials {half_s:.2f} s")
