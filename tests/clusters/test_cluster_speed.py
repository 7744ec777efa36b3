"""What a cluster adds to a run, and how trials an hour grow with agents; needs SLURM and Ray.

By hand, seven minutes alone: `pytest -m benchmark -s tests/clusters/test_cluster_speed.py`.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest
from benchmarks.test_speed import run_seconds, trials_seconds
from clusters.ray_cluster import RayCluster
from clusters.slurm_cluster import SlurmCluster
from conftest import Project

from search.plain.host_memory import free_memory_bytes

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

AGENTS = (1, 2, 4, 8)
TRIALS_OF_AGENT = 4
TRIALS = 4
SLEEP_S = 1.0
EPOCHS = 10


def sleeping(project: Project, name: str) -> Path:
    """Trials that sleep for ten seconds, as on processors of their own."""
    init_args = {"pause": SLEEP_S, "batch_size": 32}
    return project.study(
        name,
        model={"class_path": "tiny.Tiny", "init_args": init_args},
        trainer={"max_epochs": EPOCHS, "accelerator": "cpu", "num_sanity_val_steps": 0},
        sampler="random",
    )


def measured(project: Project, name: str, *options: str) -> tuple[float, float]:
    """Seconds of the trials, and of the whole run, of one worker."""
    whole_s = run_seconds(project, sleeping(project, name), TRIALS, "--workers", "1", *options)
    return trials_seconds(project, name, TRIALS), whole_s


def row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |")


def test_a_study_on_one_agent_against_one_worker_here(
    project: Project, slurm: SlurmCluster, ray_cluster: RayCluster
) -> None:
    trials_s, whole_s = measured(project, "here")
    slurms = slurm.run("sbatch", "--version").split()[-1]
    print(f"\n{TRIALS} trials that sleep for {EPOCHS * SLEEP_S:.0f} s, one worker")
    print(f"{free_memory_bytes() / 2**30:.0f} GiB free, SLURM {slurms}, Ray {version('ray')}")
    row("where", "trials", "trials / here", "whole run", "more than here")
    row("here", f"{trials_s:.1f} s", "1.00", f"{whole_s:.1f} s", "")
    for engine in ("slurm", "ray"):
        there_s, run_s = measured(project, engine, "--on", engine)
        ratio, more = f"{there_s / trials_s:.2f}", f"{run_s - whole_s:.1f} s"
        row(f"--on {engine}", f"{there_s:.1f} s", ratio, f"{run_s:.1f} s", more)


def test_trials_an_hour_grow_with_agents(project: Project, slurm: SlurmCluster) -> None:
    print()
    row("agents", "trials an hour", "an agent")
    for agents in AGENTS:
        name, trials = f"agents{agents}", TRIALS_OF_AGENT * agents
        path = sleeping(project, name)
        run_seconds(project, path, trials, "--workers", str(agents), "--on", "slurm")
        hourly = 3600 * trials / trials_seconds(project, name, trials)
        row(agents, f"{hourly:.0f}", f"{hourly / agents:.0f}")
