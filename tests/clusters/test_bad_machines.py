"""Machines on which no trial can be trained: one line, and no trial number is spent."""

from __future__ import annotations

from pathlib import Path

import pytest
from clusters.slurm_cluster import SlurmCluster, wait_until
from conftest import Project

pytestmark = pytest.mark.real


def run_with(project: Project, *setup: str, workers: str = "1") -> tuple[int, str]:
    """A study whose jobs begin with these lines of bash; its status and what it said."""
    study = project.study(on={"engine": "slurm", "setup": list(setup)})
    result = project.run("run", study, "--workers", workers)
    return result.returncode, result.stdout + result.stderr


def nothing_begun(project: Project) -> bool:
    return not (project.root / "studies" / "study" / "study.yaml").exists()


def without(package: str, folder: Path) -> str:
    """A line of bash after which no Python process can import a package."""
    (folder / "sitecustomize.py").write_text(
        f"import sys\nsys.modules[{package!r}] = None\nimport importlib.metadata as m\n"
        f"real = m.version\n"
        f"def version(name):\n"
        f"    if name == {package!r}: raise m.PackageNotFoundError(name)\n"
        f"    return real(name)\n"
        f"m.version = version\n"
    )
    return f"export PYTHONPATH={folder}"


def another_version(package: str, version: str, folder: Path) -> str:
    """A line of bash after which a package has another version."""
    (folder / "sitecustomize.py").write_text(
        "import importlib.metadata as m\n"
        "real = m.version\n"
        f"m.version = lambda name: {version!r} if name == {package!r} else real(name)\n"
    )
    return f"export PYTHONPATH={folder}"


def test_another_version_of_torch_is_refused_with_node_and_both_versions(
    project: Project, slurm: SlurmCluster, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    status, said = run_with(project, another_version("torch", "1.0", other))
    assert status == 2, said
    (line,) = [each for each in said.splitlines() if "torch 1.0" in each]
    assert line.startswith("n") and "Start search in an environment" in line
    assert nothing_begun(project)
    wait_until(lambda: slurm.jobs() == [], "all jobs are gone")


def test_a_python_without_a_package_that_the_agent_needs_is_told_with_its_log(
    project: Project, slurm: SlurmCluster, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    status, said = run_with(project, without("msgspec", other))
    assert status == 2, said
    assert "agents end one after another" in said
    assert "msgspec" in said.replace("\n", " ")
    assert nothing_begun(project)
    wait_until(lambda: slurm.jobs() == [], "all jobs are gone")


def test_a_setup_that_fails_is_told_with_what_it_said(
    project: Project, slurm: SlurmCluster
) -> None:
    status, said = run_with(project, "echo no module called cuda >&2; false")
    assert status == 2, said
    assert "no module called cuda" in said
    assert nothing_begun(project)
    wait_until(lambda: slurm.jobs() == [], "all jobs are gone")


def test_a_folder_of_that_name_on_the_disk_of_a_node_is_left_alone(
    project: Project, slurm: SlurmCluster
) -> None:
    """It has another seal: files travel."""
    seal = project.root / "studies" / "study" / "agents" / "seal"
    other = f"while [ ! -e {seal} ]; do sleep 0.05; done; echo another > {seal}"
    status, said = run_with(project, other)
    assert status == 0, said
    assert "is not on the disks of the cluster's machines" in said
    assert project.states() == ["COMPLETE"] * 3


def test_a_node_that_ends_each_agent_gets_no_trials_and_the_study_is_finished(
    project: Project, slurm: SlurmCluster
) -> None:
    bad = 'if [ "$SLURMD_NODENAME" = n1 ]; then echo the disk of n1 is gone; exit 1; fi'
    study = project.study(
        on={"engine": "slurm", "setup": [bad], "extra": ["--cpus-per-task=8"]},
        budget={"trials": 4},
    )
    result = project.run("run", study, "--workers", "3")
    assert result.returncode == 0, result.stdout + result.stderr
    assert project.states() == ["COMPLETE"] * 4
    events = [event for number in range(4) for event in project.events(number)]
    assert {event["node"] for event in events if "node" in event} <= {"n2", "n3"}
