"""Studies whose folder no node of a real SLURM, or of a real Ray, sees: they have the values of one
machine, and all that it would have on the disk."""

from __future__ import annotations

import csv
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from clusters.ray_cluster import RayCluster
from clusters.slurm_cluster import NODES, SlurmCluster, can_hide_folders, causes, wait_until
from clusters.test_slurm_losses import (
    ATTACH,
    ON,
    TRIALS,
    Curves,
    Run,
    assert_whole,
    expected,
)
from conftest import Project

# the fixture of the other file
__all__ = ["expected"]

pytestmark = [
    pytest.mark.real,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not can_hide_folders(), reason="needs root, or a kernel that lets others"),
]


@pytest.fixture
def apart(
    project: Project, slurm: SlurmCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    """A project whose studies are on a disk of this machine alone; nodes keep nothing."""
    studies = slurm.disk_of_head / tmp_path.name
    studies.mkdir()
    (project.root / "studies").symlink_to(studies)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    yield project
    wait_until(lambda: not slurm.of_jobs(), "no process is left")
    # torch has its own there
    assert not list(temporary.glob("search-*"))
    assert not list(Path("/tmp").glob("search-agents-*"))


def trial_folder(project: Project, number: int, study: str = "study") -> Path:
    return project.root / "studies" / study / "trials" / f"{number:04d}"


def node_of(project: Project, number: int) -> str:
    """Where the first attempt of a trial was."""
    started = (each for each in project.events(number) if each["event"] == "attempt_started")
    return str(next(started)["node"])


def names_in(folder: Path) -> list[str]:
    files = (each for each in folder.rglob("*") if each.is_file())
    # which attempt had it is of interest while it runs alone
    return sorted(str(each.relative_to(folder)) for each in files if each.name != "attempt")


def test_actors_that_do_not_see_the_study_give_it_the_same_values_and_files(
    project: Project, ray_cluster: RayCluster, tmp_path: Path
) -> None:
    studies = ray_cluster.disk_of_head / tmp_path.name
    studies.mkdir()
    (project.root / "studies").symlink_to(studies)
    path = project.study(resources={"cpus": 1}, scheduler="asha", budget={"trials": 4})
    both_ways(project, path, on="ray")


def test_study_has_the_values_and_the_files_of_one_machine(
    apart: Project, slurm: SlurmCluster
) -> None:
    path = apart.study(budget={"trials": 4}, resources={"cpus": 1}, logger=["csv", "tensorboard"])
    both_ways(apart, path, "--workers", "2")
    for number in range(4):
        local, moved = (trial_folder(apart, number, name) for name in ("local", "moved"))
        assert rows(moved) == rows(local)
    for name in ("local", "moved"):
        curves = apart.root / "studies" / name / "logs" / "tensorboard"
        assert len(list(curves.glob("*/events.out.tfevents*"))) >= 4


@pytest.mark.parametrize(
    "changes",
    [
        {"scheduler": "asha"},
        {"pruner": {"name": "median", "n_startup_trials": 1, "n_warmup_steps": 1}},
        {"scheduler": {"name": "pbt", "population": 3}},
    ],
    ids=["paused", "pruned", "branched"],
)
def test_trials_that_wait_end_early_or_begin_at_others_are_the_same(
    apart: Project, slurm: SlurmCluster, changes: dict[str, object]
) -> None:
    path = apart.study(
        trainer={"max_epochs": 9, "accelerator": "cpu", "num_sanity_val_steps": 0},
        resources={"cpus": 1},
        **{"budget": {"trials": 6}, **changes},
    )
    both_ways(apart, path)


def both_ways(apart: Project, path: Path, *arguments: str, on: str = "slurm") -> None:
    """Run a study here, and where no machine sees it: it has the same values and files."""
    here = apart.run("run", path, "--name", "local")
    assert here.returncode == 0, here.stdout + here.stderr
    there = apart.run("run", path, "--name", "moved", "--on", on, *arguments)
    assert there.returncode == 0, there.stdout + there.stderr
    assert "is not on the disks of the cluster's machines" in there.stdout + there.stderr
    assert apart.curves("moved") == apart.curves("local")
    assert apart.states("moved") == apart.states("local")
    for number in range(len(apart.states("local"))):
        local, moved = (trial_folder(apart, number, name) for name in ("local", "moved"))
        assert names_in(moved) == names_in(local)


def test_node_without_power_costs_the_epochs_since_its_files_were_sent(
    apart: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    run = Run(apart, slurm)
    number = next(each for each in range(len(NODES)) if node_of(apart, each) == "n2")
    last = trial_folder(apart, number) / "last.ckpt"
    wait_until(last.exists, "a checkpoint has arrived")
    slurm.kill_node("n2")
    assert "node n2 was lost" in run.end()
    assert causes(apart) == ["lost"]
    assert_whole(apart, slurm, expected)
    steps = [each["step"] for each in apart.events(number) if each["event"] == "reported"]
    # it did not begin anew, and all it said is there
    assert steps.count(1) == 1
    assert sorted(set(steps)) == list(range(1, 13))


def test_connection_that_is_killed_costs_nothing(
    apart: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    run = Run(apart, slurm)
    run.kill(ATTACH, "n2")
    run.end()
    assert causes(apart) == []
    assert_whole(apart, slurm, expected)


def test_job_that_is_cancelled_sends_what_it_saves(
    apart: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    run = Run(apart, slurm)
    slurm.run("scancel", run.job)
    run.wait_for_closing()
    run.end()
    assert causes(apart) == ["interrupted"]
    assert_whole(apart, slurm, expected)


def test_interrupted_run_has_all_checkpoints_here(
    apart: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    run = Run(apart, slurm)
    run.process.send_signal(signal.SIGINT)
    run.open_gate()
    output, errors = run.process.communicate(timeout=120)
    assert run.process.returncode == 130, output + errors
    assert causes(apart) == ["interrupted"] * len(NODES)
    for number in range(len(NODES)):
        assert (trial_folder(apart, number) / "last.ckpt").is_file()
    # and goes on here
    result = apart.run("run", run.path, "--trials", str(TRIALS))
    assert result.returncode == 0, result.stdout + result.stderr
    assert_whole(apart, slurm, expected)


def test_run_that_is_killed_is_finished_by_the_next_one(
    apart: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    run = Run(apart, slurm)
    run.process.kill()
    run.process.communicate()
    run.open_gate()
    result = apart.run("run", run.path, *ON)
    assert result.returncode == 0, result.stdout + result.stderr
    assert_whole(apart, slurm, expected)


def rows(trial: Path) -> list[dict[str, str]]:
    with (trial / "logs" / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))
