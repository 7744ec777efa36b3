"""A study under `srun`. No SLURM is here: the variables that it sets are, and a `scontrol` that
writes down what it is asked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import Project

TOLD = """
import os
import signal
from tiny import Tiny


class Told(Tiny):
    def on_train_start(self):
        print("variables", sorted(name for name in os.environ if name.startswith("SLURM_")))
        if callable(signal.getsignal(signal.SIGUSR1)):
            os.kill(os.getpid(), signal.SIGUSR1)
        print("rank", self.global_rank, "of", self.trainer.world_size)
"""
# of the fourth task of four: each of them may run a study of its own
STEP = {
    "SLURM_JOB_ID": "4711",
    "SLURM_JOB_NAME": "search",
    "SLURM_NTASKS": "4",
    "SLURM_NTASKS_PER_NODE": "4",
    "SLURM_NNODES": "1",
    "SLURM_NODEID": "0",
    "SLURM_LOCALID": "3",
    "SLURM_PROCID": "3",
    "SLURM_STEP_ID": "0",
    "SLURM_TMPDIR": "/scratch/4711",
}


def test_attempt_under_srun_is_a_rank_of_its_own_and_never_requeues_the_job(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = a_scontrol(project.root / "bin")
    monkeypatch.setenv("PATH", f"{asked.parent}{os.pathsep}{os.environ['PATH']}")
    for name, value in STEP.items():
        monkeypatch.setenv(name, value)
    (project.root / "told.py").write_text(TOLD)
    path = project.study(model={"class_path": "told.Told"}, budget={"trials": 1})
    result = project.run("run", path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert project.states() == ["COMPLETE"]
    assert not asked.exists(), asked.read_text()
    trial = project.root / "studies" / "study" / "trials" / "0000"
    log = (trial / "log.txt").read_text().splitlines()
    assert "variables ['SLURM_JOB_ID', 'SLURM_TMPDIR']" in log
    assert "rank 0 of 1" in log
    assert not list(trial.glob("hpc_ckpt_*"))
    # which rank 0 alone writes
    assert (trial / "logs" / "metrics.csv").is_file()


def a_scontrol(folder: Path) -> Path:
    """Put a `scontrol` into a folder; returns the file to which it writes what it is asked for."""
    folder.mkdir()
    asked = folder / "asked"
    command = folder / "scontrol"
    command.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n')
    command.chmod(0o755)
    return asked
