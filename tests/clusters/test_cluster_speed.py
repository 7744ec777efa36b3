"""What a cluster adds to a run, and how trials an hour grow with agents; by hand, needs SLURM."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.test_speed import run_seconds, trials_seconds
from clusters.slurm_cluster import SlurmCluster
from conftest import Project

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(1800)]

AGENTS = (1, 2, 4, 8)
TRIALS_OF_AGENT = 6
SLEEP_S = 1.0


def sleeping(project: Project, name: str) -> Path:
    """Trials that sleep for ten seconds, as on processors of their own."""
    init_args = {"pause": SLEEP_S, "batch_size": 32}
    return project.study(
        name,
        model={"class_path": "tiny.Tiny", "init_args": init_args},
        trainer={"max_epochs": 10, "accelerator": "cpu", "num_sanity_val_steps": 0},
        sampler="random",
    )


def test_a_study_on_one_agent_against_one_worker_here(
    project: Project, slurm: SlurmCluster
) -> None:
    here, there = sleeping(project, "here"), sleeping(project, "there")
    whole_here = run_seconds(project, here, 4, "--workers", "1")
    whole_there = run_seconds(project, there, 4, "--workers", "1", "--on", "slurm")
    inner = trials_seconds(project, "there", 4) / trials_seconds(project, "here", 4)
    print(f"\ntrials on one agent / here: {inner:.2f} (target 1.05)")
    print(f"a whole run: {whole_there - whole_here:.1f} s more (target 10)")


def test_trials_an_hour_grow_with_agents(project: Project, slurm: SlurmCluster) -> None:
    for agents in AGENTS:
        name, trials = f"agents{agents}", TRIALS_OF_AGENT * agents
        path = sleeping(project, name)
        run_seconds(project, path, trials, "--workers", str(agents), "--on", "slurm")
        hourly = 3600 * trials / trials_seconds(project, name, trials)
        print(f"\n{agents} agents: {hourly:.0f} trials an hour, {hourly / agents:.0f} an agent")
