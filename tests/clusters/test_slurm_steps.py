"""Studies that are run from within an allocation of a real SLURM: their agents are steps of it, and
no job is submitted."""

from __future__ import annotations

import json
import os
import shlex
import signal
from pathlib import Path

import pytest
from clusters.slurm_cluster import NODE, NODES, SlurmCluster, causes, wait_until
from clusters.slurm_keeper import variables_of
from conftest import SEARCH, Project

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

TRIALS = 6
Curves = dict[int, dict[int, float]]


def study_of(project: Project, pause: float) -> Path:
    return project.study(
        model={"class_path": "tiny.Tiny", "init_args": {"pause": pause}},
        trainer={"max_epochs": 8, "accelerator": "cpu", "num_sanity_val_steps": 0},
        resources={"cpus": 4},
        on={"engine": "slurm", "partition": "main", "setup": ["export OMP_NUM_THREADS=1"]},
    )


def submit(project: Project, slurm: SlurmCluster, *more: str, nodes: int = 3) -> str:
    """Submit the command in a job of so many nodes; returns the number of the job."""
    command = [SEARCH, "run", "study.yaml", "--trials", TRIALS, "--on", "slurm", *more]
    return slurm.run(
        "sbatch",
        "--parsable",
        f"--nodes={nodes}",
        "--cpus-per-task=8",
        "--no-kill",
        f"--chdir={project.root}",
        "--output=said.txt",
        "--wrap",
        f"export HOME={shlex.quote(str(project.root))}; {shlex.join(map(str, command))}",
    ).strip()


def said(project: Project) -> str:
    path = project.root / "said.txt"
    return path.read_text() if path.exists() else ""


def end_of(project: Project, slurm: SlurmCluster, job: str) -> str:
    """Wait until a job is over and nothing of it is left; returns what was printed."""
    wait_until(lambda: job not in slurm.jobs(), "the job is over", timeout_s=300)
    wait_until(lambda: not slurm.of_jobs(), "no process is left")
    return said(project)


def nodes_of(project: Project) -> set[str]:
    """Nodes that trials were on."""
    events = [each for number in range(len(project.states())) for each in project.events(number)]
    return {each["node"] for each in events if each["event"] == "attempt_started"}


def cut_power(slurm: SlurmCluster, node: str) -> None:
    """Kill all that runs on a node which shares its job with others."""
    for pid in slurm.processes():
        variables = variables_of(pid)
        if node in (variables.get(NODE), variables.get("SLURMD_NODENAME")):
            os.kill(pid, signal.SIGKILL)
    slurm.declare_down(node)


@pytest.fixture(scope="module")
def expected(shared_project: Project) -> Curves:
    """The curves of the study on this machine alone."""
    path = study_of(shared_project, 0.0)
    arguments = ("--trials", str(TRIALS), "--on", "here", "--workers", "1")
    result = shared_project.run("run", path, *arguments)
    assert result.returncode == 0, result.stderr
    return shared_project.curves()


def test_agents_are_steps_of_the_allocation_and_nothing_is_submitted(
    project: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    study_of(project, 0.5)
    job = submit(project, slurm)
    wait_until(lambda: "started on" in said(project) or not slurm.jobs(), "a trial", 120)
    assert slurm.jobs() == [job], said(project)
    agents = json.loads(project.run("nodes", "study", "--json").stdout)["agents"]
    assert {each["name"] for each in agents} <= {f"{job}-{node}-1" for node in NODES}
    output = end_of(project, slurm, job)
    assert f"3 nodes of job {job} for 2 trials each, 4 CPUs a trial" in output
    assert f"on.partition: left out, because trials run on the nodes of job {job}" in output
    assert project.curves() == expected
    assert causes(project) == []
    assert nodes_of(project) == set(NODES)


def test_node_of_the_allocation_that_dies_is_done_without(
    project: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    study_of(project, 0.5)
    job = submit(project, slurm)
    wait_until(
        lambda: all(f"started on {node}" in said(project) for node in NODES), "all work", 120
    )
    head = slurm.run("squeue", "--noheader", f"--jobs={job}", "--format=%B").strip()
    victim = next(node for node in NODES if node != head)
    cut_power(slurm, victim)
    output = end_of(project, slurm, job)
    assert f"node {victim} was lost" in output
    assert project.states() == ["COMPLETE"] * TRIALS
    assert project.curves() == expected
    assert set(causes(project)) == {"lost"}


def test_end_of_the_allocation_lets_trials_save_and_another_goes_on(
    project: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    study_of(project, 0.8)
    job = submit(project, slurm)
    wait_until(lambda: "started on" in said(project), "a trial", 120)
    slurm.end_in(job, 30)
    output = end_of(project, slurm, job)
    assert f"the time of job {job} is nearly over" in output
    assert set(causes(project)) == {"interrupted"}
    output = end_of(project, slurm, submit(project, slurm))
    assert project.states() == ["COMPLETE"] * TRIALS, output
    assert project.curves() == expected


def test_command_in_a_job_of_one_node_submits_jobs(
    project: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    study_of(project, 0.0)
    job = submit(project, slurm, "--workers", "2", nodes=1)
    wait_until(lambda: len(slurm.jobs()) == 3 or not slurm.jobs(), "jobs", 120)
    output = end_of(project, slurm, job)
    assert "2 jobs of slurm" in output
    assert project.curves() == expected
