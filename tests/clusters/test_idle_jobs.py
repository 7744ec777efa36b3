"""Jobs that have nothing left to do are given back while the last trials train."""

from __future__ import annotations

import pytest
from clusters.slurm_cluster import SlurmCluster, wait_until
from conftest import Project

pytestmark = pytest.mark.real


def test_last_trial_keeps_its_own_job_alone(project: Project, slurm: SlurmCluster) -> None:
    path = project.study(
        trainer={"max_epochs": 6, "accelerator": "cpu", "num_sanity_val_steps": 0},
        space={"model.init_args.pause": {"float": [0.0, 5.0]}},
        enqueue=[{"model.init_args.pause": pause} for pause in (0.0, 0.0, 1.2)],
        baseline=False,
        on={"engine": "slurm"},
        budget={"trials": 3},
    )
    process = project.start("run", path, "--workers", "3", "--trials", "3")
    wait_until(
        lambda: project.epochs(2) >= 2 and project.epochs(0) == project.epochs(1) == 6,
        "the long trial is the last one",
        120,
    )
    wait_until(lambda: len(slurm.jobs()) == 1, "the other jobs are given back", 20)
    assert project.states()[2] == "RUNNING"
    assert process.wait(120) == 0
    assert project.states() == ["COMPLETE"] * 3
    said, _ = process.communicate()
    assert "a slot closes: no trial is left to begin" in said
