"""A node that sleeps in the middle of an epoch, and wakes when its trial has gone on elsewhere."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from clusters.slurm_cluster import SlurmCluster, wait_until
from conftest import Project

from search.executors.lease import LEASE_S
from search.store.events.event_file import read_events

pytestmark = [pytest.mark.real, pytest.mark.long, pytest.mark.timeout(600)]

ARGUMENTS = ("--workers", "2", "--trials", "2")


def node_of(folder: Path) -> str:
    """The node of the last attempt at a trial."""
    begun = [each for each in read_events(folder / "events.jsonl") if "node" in each]
    return str(begun[-1]["node"]) if begun else ""


def test_what_wakes_after_its_trial_went_on_elsewhere_writes_nothing(
    project: Project, slurm: SlurmCluster
) -> None:
    model = {"class_path": "tiny.Tiny", "init_args": {"pause": 0.4}}
    trainer = {"max_epochs": 40, "accelerator": "cpu", "num_sanity_val_steps": 0}
    path = project.study(model=model, trainer=trainer, on={"engine": "slurm", "extra": ["-c8"]})
    process = project.start("run", path, *ARGUMENTS)
    folder = project.root / "studies" / "study" / "trials" / "0000"
    wait_until(lambda: project.epochs(0) >= 3 and project.epochs(1) >= 3, "both train", 180)
    node = node_of(folder)
    slept = slurm.processes(node)
    for pid in slept:
        os.kill(pid, signal.SIGSTOP)
    own = (folder / "attempt").read_text()
    try:
        wait_until(
            lambda: (folder / "attempt").read_text() != own, "it goes on elsewhere", LEASE_S + 60
        )
        wait_until(lambda: project.epochs(0) >= 12, "and gets further", 120)
    finally:
        for pid in slept:
            os.kill(pid, signal.SIGCONT)
    # long enough for several epochs of the one that woke
    time.sleep(15)
    assert process.wait(240) == 0
    assert project.states() == ["COMPLETE"] * 2
    assert node_of(folder) != node
    reports = [each["step"] for each in project.events(0) if each["event"] == "reported"]
    # the epochs since the last checkpoint are told again, and none a third time
    assert sorted(set(reports)) == list(range(1, 41))
    assert all(reports.count(step) <= 2 for step in reports)
    assert (folder / "last.ckpt").is_file()

    tree = project.study(model=model, trainer=trainer, name="here", budget={"trials": 2})
    assert project.run("run", tree, *ARGUMENTS).returncode == 0
    assert project.curves("here") == project.curves("study")
    assert json.loads(project.run("nodes", "study", "--json").stdout)["agents"] == []
