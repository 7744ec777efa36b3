"""Trials with ranks on two nodes of a real SLURM, or a real Ray: on the CPU, with gloo."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest
from clusters.ray_cluster import RayCluster
from clusters.slurm_cluster import SlurmCluster, causes, wait_until
from clusters.test_slurm_losses import words_of
from conftest import Project

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

# ranks draw different numbers, and wait in epoch 3 for a file
RANKED = """
import os, time
from pathlib import Path
import torch
from tiny import Tiny

HERE = Path(__file__).parent


class Ranked(Tiny):
    def on_fit_start(self):
        place = os.environ.get("SLURM_JOB_ID"), os.environ.get("SLURMD_NODENAME")
        (HERE / f"rank-{self.global_rank}").write_text(f"{os.getpid()} {place[1]} {place[0]}")

    def training_step(self, batch, batch_idx):
        torch.rand(1 + self.global_rank)
        if (HERE / "memory").exists() and self.global_rank == 1 and len(batch[0]) > 8:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().training_step(batch, batch_idx)

    def on_train_epoch_start(self):
        while self.current_epoch == 3 and not (HERE / "open").exists():
            time.sleep(0.05)
"""
EPOCHS = 6
TRAINER = {"max_epochs": EPOCHS, "accelerator": "cpu", "num_sanity_val_steps": 0}
TWO_NODES = {"nodes": 2, "cpus": 1}
PRUNED = {
    "model": {"class_path": "ranked.Ranked", "init_args": {"width": 8}},
    "space": {"model.init_args.lr": {"choice": [0.2, 0.000001]}},
    "pruner": {"name": "threshold", "upper": 0.9, "n_warmup_steps": 4},
}
LRS = {"model.init_args.lr": {"choice": [0.05, 0.01]}}

Curves = dict[int, dict[int, float]]


def ranked_study(project: Project, **changes: Any) -> Path:
    (project.root / "ranked.py").write_text(RANKED)
    given: dict[str, Any] = {
        "model": {"class_path": "ranked.Ranked"},
        "trainer": TRAINER,
        "resources": TWO_NODES,
        "space": LRS,
        "sampler": "grid",
        "on": "slurm",
        "budget": {"trials": 2},
    }
    return project.study(**{**given, **changes})


@pytest.fixture(scope="module")
def expected(shared_project: Project) -> Curves:
    """The curves of the study with two processes on this machine."""
    changes = {"resources": {"cpus": 2}, "on": None}
    path = ranked_study(
        shared_project, trainer={**TRAINER, "devices": 2, "strategy": "ddp"}, **changes
    )
    (shared_project.root / "open").touch()
    result = shared_project.run("run", path, "--workers", "1", "--quiet")
    assert result.returncode == 0, result.stderr
    return shared_project.curves()


class Run:
    """A run whose first trial has a rank on each of two nodes, which wait to go on."""

    def __init__(self, project: Project, slurm: SlurmCluster, **changes: Any) -> None:
        self.project = project
        self.slurm = slurm
        self.path = ranked_study(project, **changes)
        self.process = project.start("run", self.path, "--workers", "1")
        wait_until(
            lambda: project.epochs(0) == 3 or self.process.poll() is not None,
            "the ranks wait at their gate",
            timeout_s=180,
        )
        assert self.process.poll() is None, self.process.communicate()

    def rank(self, rank: int) -> tuple[int, str]:
        """Process and node of a rank."""
        pid, node, _ = (self.project.root / f"rank-{rank}").read_text().split()
        return int(pid), node

    def open_gate(self) -> None:
        (self.project.root / "open").touch()

    def end(self) -> str:
        """Open the gate, and wait until the study is finished; returns all that was printed."""
        self.open_gate()
        output, errors = self.process.communicate(timeout=300)
        assert self.process.returncode == 0, output + errors
        return output + errors


def assert_whole(project: Project, slurm: SlurmCluster, expected: Curves) -> None:
    assert project.states() == ["COMPLETE"] * 2
    assert project.curves() == expected
    slurm.assert_empty()


def test_trial_on_two_nodes_has_the_values_of_two_processes_on_one_machine(
    project: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    run = Run(project, slurm)
    assert len(slurm.jobs()) == 1
    assert run.rank(0)[1] != run.rank(1)[1]
    agents = json.loads(project.run("nodes", "study", "--json").stdout)["agents"]
    assert [each["node"] for each in agents] == [f"{run.rank(0)[1]},{run.rank(1)[1]}"]
    output = run.end()
    assert "1 job of slurm, 1 CPU on each of 2 nodes for a trial" in output
    assert causes(project) == []
    assert_whole(project, slurm, expected)


def assert_one_is_pruned(project: Project) -> None:
    assert sorted(project.states()) == ["COMPLETE", "PRUNED"]
    pruned = project.states().index("PRUNED")
    curves = project.curves()
    assert list(curves[pruned]) == [1, 2, 3, 4]
    assert list(curves[1 - pruned]) == list(range(1, EPOCHS + 1))


def test_trial_on_two_nodes_is_pruned_in_the_middle(project: Project, slurm: SlurmCluster) -> None:
    (project.root / "open").touch()
    path = ranked_study(project, **PRUNED)
    result = project.run("run", path, "--workers", "1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert_one_is_pruned(project)
    slurm.assert_empty()


def test_interrupted_trial_on_two_nodes_goes_on_from_its_checkpoint(
    project: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    run = Run(project, slurm)
    run.process.send_signal(signal.SIGINT)
    run.open_gate()
    output, errors = run.process.communicate(timeout=120)
    assert run.process.returncode == 130, output + errors
    assert causes(project) == ["interrupted"]
    slurm.assert_empty()
    result = project.run("run", run.path, "--workers", "1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert_whole(project, slurm, expected)


@pytest.mark.parametrize("rank", [0, 1])
def test_rank_that_is_killed_costs_one_attempt(
    project: Project, slurm: SlurmCluster, expected: Curves, rank: int
) -> None:
    run = Run(project, slurm)
    os.kill(run.rank(rank)[0], signal.SIGKILL)
    wait_until(lambda: causes(project), "the attempt has ended")
    run.end()
    assert causes(project) == ["killed"]
    (end, *_) = [each for each in project.events(0) if each["event"] == "attempt_ended"]
    killed = "killed by SIGKILL" if rank == 0 else "rank 1 was killed by SIGKILL"
    assert end["message"] == killed
    assert_whole(project, slurm, expected)


@pytest.mark.parametrize("rank", [0, 1])
def test_node_without_power_ends_the_ranks_on_the_other(
    project: Project, slurm: SlurmCluster, expected: Curves, rank: int
) -> None:
    run = Run(project, slurm)
    pid, node = run.rank(1 - rank)
    slurm.kill_node(run.rank(rank)[1])
    slurm.declare_down(run.rank(rank)[1])
    output = run.end()
    assert node
    assert not Path(f"/proc/{pid}").exists()
    assert "was lost" in output
    assert causes(project) == ["lost"]
    assert_whole(project, slurm, expected)


@pytest.mark.parametrize("module", ["first_agent", "child_agent"])
def test_agent_of_either_node_that_is_killed_takes_the_ranks_of_both_with_it(
    project: Project, slurm: SlurmCluster, expected: Curves, module: str
) -> None:
    run = Run(project, slurm)
    ranks = [run.rank(0)[0], run.rank(1)[0]]
    name = f"search.executors.remote.{module}"
    (agent,) = [pid for pid in slurm.of_jobs() if name in words_of(pid)[:4]]
    os.kill(agent, signal.SIGKILL)
    wait_until(lambda: causes(project), "the attempt has ended", 120)
    wait_until(lambda: not any(psutil.pid_exists(pid) for pid in ranks), "no rank is left")
    run.end()
    assert causes(project) == ["lost"]
    assert_whole(project, slurm, expected)


def test_cancelled_job_of_two_nodes_saves_and_another_takes_its_place(
    project: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    run = Run(project, slurm)
    slurm.run("scancel", *slurm.jobs())
    run.end()
    assert causes(project) == ["interrupted"]
    assert_whole(project, slurm, expected)


def test_several_processes_on_each_node_have_the_values_of_as_many_on_one_machine(
    shared_project: Project, slurm: SlurmCluster
) -> None:
    given = {"budget": {"trials": 1}}
    trainer = {**TRAINER, "max_epochs": 2, "devices": 2}
    four = {**trainer, "devices": 4, "strategy": "ddp"}
    ranks = {"resources": {"cpus": 4}, "on": None, "trainer": four}
    here = ranked_study(shared_project, name="here", **given, **ranks)
    assert shared_project.run("run", here, "--workers", "1").returncode == 0
    resources = {"nodes": 2, "cpus": 2}
    there = ranked_study(
        shared_project, name="there", resources=resources, trainer=trainer, **given
    )
    result = shared_project.run("run", there, "--workers", "1")
    assert result.returncode == 0, result.stdout + result.stderr
    folder = shared_project.root / "studies"
    assert shared_project.curves("there") == shared_project.curves("here")
    assert len(shared_project.curves("there")[0]) == 2
    logs = sorted(path.name for path in (folder / "there/trials/0000").glob("*.txt"))
    assert logs == ["log.txt", "rank-2.txt", "rank-3.txt"]
    slurm.assert_empty()


def test_rank_on_another_node_that_ran_out_of_memory_goes_on_in_smaller_batches(
    project: Project, slurm: SlurmCluster
) -> None:
    (project.root / "memory").touch()
    path = ranked_study(
        project,
        model={"class_path": "ranked.Ranked", "init_args": {"batch_size": 16}},
        trainer={**TRAINER, "max_epochs": 2},
        budget={"trials": 1},
    )
    result = project.run("run", path, "--workers", "1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert causes(project) == ["oom"]
    slurm.assert_empty()


SCRIPT = """
import argparse
import pytorch_lightning as pl
from ranked import Ranked

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
trainer = pl.Trainer(max_epochs=3, accelerator="cpu", num_sanity_val_steps=0, logger=False)
trainer.fit(Ranked(lr=parser.parse_args().lr))
"""


def test_script_that_knows_nothing_of_nodes_trains_on_two(
    project: Project, slurm: SlurmCluster
) -> None:
    (project.root / "train.py").write_text(SCRIPT)
    path = ranked_study(
        project,
        model=None,
        trainer=None,
        script="train.py",
        space={"--lr": {"choice": [0.05, 0.01]}},
    )
    result = project.run("run", path, "--workers", "1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert project.states() == ["COMPLETE"] * 2
    nodes = {(project.root / f"rank-{rank}").read_text().split()[1] for rank in (0, 1)}
    assert len(nodes) == 2
    slurm.assert_empty()


def test_trials_on_two_nodes_pause_and_go_on(project: Project, slurm: SlurmCluster) -> None:
    (project.root / "open").touch()
    path = ranked_study(
        project,
        scheduler={"name": "asha", "min_resource": 2, "reduction_factor": 2},
        space={"model.init_args.lr": {"choice": [0.05, 0.01, 0.001]}},
        budget={"trials": 3},
    )
    result = project.run("run", path, "--workers", "1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "paused" in causes(project)
    assert set(causes(project)) == {"paused"}
    slurm.assert_empty()


def test_trial_on_two_nodes_of_a_ray_has_the_values_of_one_machine_and_outlives_a_node(
    project: Project, ray_cluster: RayCluster, expected: Curves, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    path = ranked_study(project, on="ray")
    run = project.start("run", path, "--workers", "1")
    wait_until(lambda: project.epochs(0) == 3 or run.poll() is not None, "ranks at a gate", 240)
    assert run.poll() is None, run.communicate()
    first, second = (pid_of_rank(project, rank) for rank in (0, 1))
    agents = ray_cluster.agents()
    # the ranks are on machines of their own
    assert len({each.parents()[1].pid for each in agents}) == 2
    lost = next(each for each in agents if second in [p.pid for p in each.children(recursive=True)])
    ray_cluster.kill_node_of(lost)
    ray_cluster.add_node()
    wait_until(lambda: causes(project), "the loss is known", 120)
    assert not psutil.pid_exists(first)
    (project.root / "open").touch()
    output, errors = run.communicate(timeout=300)
    assert run.returncode == 0, output + errors
    assert causes(project) == ["lost"]
    assert project.curves() == expected
    ray_cluster.wait_until_empty()


def test_trial_on_two_nodes_of_a_ray_is_pruned_in_the_middle_through_its_client(
    project: Project, ray_cluster: RayCluster
) -> None:
    (project.root / "open").touch()
    path = ranked_study(project, on=ray_cluster.client, **PRUNED)
    result = project.run("run", path, "--workers", "1")
    assert result.returncode == 0, result.stdout + result.stderr
    assert_one_is_pruned(project)
    ray_cluster.wait_until_empty()


def pid_of_rank(project: Project, rank: int) -> int:
    return int((project.root / f"rank-{rank}").read_text().split()[0])


def test_study_of_several_nodes_is_refused_on_one_machine(project: Project) -> None:
    path = ranked_study(project, on=None)
    result = project.run("run", path)
    assert result.returncode == 2
    assert result.stderr == (
        "resources.nodes: is 2, and this machine is one. Run it with --on slurm or --on ray.\n"
    )
    assert not (project.root / "studies/study").exists()
