"""Studies of a user whose trials run in jobs of a real SLURM."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest
from clusters.slurm_cluster import SlurmCluster, wait_until
from conftest import Project
from test_docs import CLUSTERS, commands, place_elsewhere, typed

from search.layout import StudyFolder
from search.store.reading import read_study

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]


def values(project: Project, name: str) -> list[tuple[object, object, object]]:
    """Parameters, value and curve of each trial."""
    record = read_study(StudyFolder(project.root / "studies" / name))
    return [(trial.params, trial.value, trial.curve) for trial in record.trials]


def nodes(project: Project, name: str) -> dict[str, Any]:
    result = project.run("nodes", name, "--json")
    tree: dict[str, Any] = json.loads(result.stdout) if result.returncode == 0 else {"agents": []}
    return tree


def trials_at_work(project: Project, name: str) -> list[int]:
    agents = nodes(project, name)["agents"]
    return [each["trial"] for agent in agents for each in agent["work"] if each["task"] == "fit"]


def test_study_goes_on_here_and_there_with_the_same_values(
    project: Project, slurm: SlurmCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    path = project.study(resources={"cpus": 1})
    assert project.run("run", path, "--name", "local", "--trials", "4").returncode == 0
    there = project.run("run", path, "--name", "moved", "--trials", "2", "--on", "slurm")
    assert there.returncode == 0, there.stdout + there.stderr
    assert "1 worker with 1 thread: 1 job of slurm, 1 CPU a trial" in there.stdout
    wait_until(lambda: slurm.jobs() == [], "all jobs are given back")
    assert project.run("nodes", "moved").stdout == "moved: no run is on\n"
    here = project.run("resume", "moved", "--trials", "3")
    assert here.returncode == 0, here.stdout + here.stderr
    assert "1 worker with 1 thread: the study file gives each trial 1 CPU" in here.stdout
    assert project.run("nodes", "moved").stdout.startswith("moved: has no jobs on a cluster.")
    again = project.run("resume", "moved", "--trials", "4", "--on", "slurm")
    assert again.returncode == 0, again.stdout + again.stderr
    assert values(project, "moved") == values(project, "local")
    # nothing is left to do, and nothing is asked for
    done = project.run("resume", "moved", "--on", "slurm")
    assert "loading torch" not in done.stdout
    assert "moved finished: 4 of 4 trials" in done.stdout


def test_section_of_the_study_file_decides_unless_here_is_said(
    project: Project, slurm: SlurmCluster
) -> None:
    path = project.study(on={"engine": "slurm", "trials_per_job": 2, "time": "10m"})
    there = project.run("run", path, "--trials", "1")
    assert there.returncode == 0, there.stdout + there.stderr
    assert "1 job of slurm for 2 trials each, 1 CPU a trial" in there.stdout
    here = project.run("run", path, "--trials", "2", "--on", "here")
    assert here.returncode == 0, here.stdout + here.stderr
    assert "of slurm" not in here.stdout
    assert project.states() == ["COMPLETE"] * 2


def test_nodes_tell_who_works_on_what_until_when(project: Project, slurm: SlurmCluster) -> None:
    pause = {"class_path": "tiny.Tiny", "init_args": {"pause": 0.5}}
    path = project.study(
        model=pause,
        trainer={"max_epochs": 100, "accelerator": "cpu", "num_sanity_val_steps": 0},
        on={"engine": "slurm", "trials_per_job": 2, "time": "30m"},
    )
    run = project.start("run", path, "--workers", "2")
    wait_until(lambda: sorted(trials_at_work(project, "study")) == [0, 1], "two at work", 120)
    (agent,) = nodes(project, "study")["agents"]
    assert (agent["state"], agent["slots"]) == ("ready", 2)
    assert [agent["name"]] == slurm.jobs()
    assert agent["ends"] is not None
    told = project.run("nodes", "-s", "study").stdout.splitlines()
    assert told[0] == "study on slurm: 1 job, 2 at work"
    assert "trial 0 for " in told[2] and "trial 1 for " in told[2]
    run.send_signal(signal.SIGINT)
    assert run.wait(60) == 130
    wait_until(lambda: slurm.jobs() == [], "the job is given back")
    assert project.run("nodes").stdout == "study: no run is on\n"


def test_job_that_waits_can_be_looked_at_before_the_study_is_made(
    project: Project, slurm: SlurmCluster
) -> None:
    path = project.study(on={"engine": "slurm", "extra": ["--begin=now+1hour"]})
    run = project.start("run", path)
    wait_until(lambda: nodes(project, "study")["agents"], "a job waits", 60)
    (agent,) = nodes(project, "study")["agents"]
    assert (agent["state"], agent["work"]) == ("pending", [])
    run.send_signal(signal.SIGINT)
    assert run.wait(60) == 130
    wait_until(lambda: slurm.jobs() == [], "all jobs are given back")
    assert not (project.root / "studies/study").exists()


def test_cluster_that_refuses_is_told_in_one_line_and_nothing_is_begun(
    project: Project, slurm: SlurmCluster
) -> None:
    path = project.study(on={"engine": "slurm", "partition": "nowhere"})
    result = project.run("run", path)
    assert result.returncode == 2
    assert result.stderr == (
        "--on slurm: sbatch: error: Batch job submission failed: Invalid partition name "
        "specified. Change what the study file asks for (on, resources), then run the same "
        "command again.\n"
    )
    assert not (project.root / "studies/study").exists()


def test_refused_study_file_leaves_nothing_of_its_job(
    project: Project, slurm: SlurmCluster
) -> None:
    path = project.study(objective={"metric": "val_los"})
    result = project.run("run", path, "--on", "slurm")
    assert result.returncode == 2
    assert "objective.metric: val_los is not logged at a validation" in result.stderr
    assert not (project.root / "studies/study").exists()
    wait_until(lambda: slurm.jobs() == [], "the job is given back")


def test_page_of_clusters_is_typed_in_its_order(project: Project, slurm: SlurmCluster) -> None:
    project.study()
    for line in commands(CLUSTERS):
        if place_elsewhere(line) is None:
            typed(project, line)
    assert project.states("study") == ["COMPLETE"] * 4
    wait_until(lambda: slurm.jobs() == [], "all jobs are given back")
