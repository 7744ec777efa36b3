"""Studies on the nodes of a real SLURM, to which everything happens that can: all trials end with
the values that one machine gives them, and nothing is left on any."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from clusters.slurm_cluster import NODES, SlurmCluster, causes, wait_until
from conftest import Project

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]

# trains a while, and then until a file is there, so that each node is known to be at work
GATED = """
import time
from pathlib import Path
from tiny import Tiny

GATE = Path(__file__).with_name("open")


class Gated(Tiny):
    def on_train_epoch_start(self):
        while self.current_epoch == 4 and not GATE.exists():
            time.sleep(0.05)
"""
TRIALS = 6
ARGUMENTS = ("--workers", "3", "--trials", str(TRIALS))
ON = ("--on", "slurm", *ARGUMENTS)
AGENT = "search.executors.remote.agent"
SERVER = "search.trial"
ATTACH = "search.executors.remote.attach"
BRIDGE = "search.executors.remote.bridge"

Curves = dict[int, dict[int, float]]


def gated_study(project: Project, pause: float = 0.05, **changes: object) -> Path:
    (project.root / "gated.py").write_text(GATED)
    return project.study(
        model={"class_path": "gated.Gated", "init_args": {"pause": pause}},
        trainer={"max_epochs": 12, "accelerator": "cpu", "num_sanity_val_steps": 0},
        **changes,
    )


@pytest.fixture(scope="module")
def expected(shared_project: Project) -> Curves:
    """The curves of the study on this machine alone."""
    path = gated_study(shared_project)
    (shared_project.root / "open").touch()
    result = shared_project.run("run", path, *ARGUMENTS, "--quiet")
    assert result.returncode == 0, result.stderr
    return shared_project.curves()


class Run:
    """`search run --on slurm` with a trial on each node, which all wait to go on."""

    def __init__(self, project: Project, slurm: SlurmCluster) -> None:
        self.project = project
        self.slurm = slurm
        self.path = gated_study(project)
        self.process = project.start("run", self.path, *ON)
        wait_until(
            lambda: (
                all(project.epochs(number) == 4 for number in range(len(NODES)))
                or self.process.poll() is not None
            ),
            "each node has a trial at its gate",
            timeout_s=180,
        )
        assert self.process.poll() is None, self.process.communicate()
        self.job = slurm.run("squeue", "--noheader", "--nodelist=n2", "--format=%i").strip()

    def open_gate(self) -> None:
        (self.project.root / "open").touch()

    def wait_for_closing(self) -> None:
        """Wait until the run knows that the job on n2 ends."""

        def told() -> bool:
            result = self.project.run("nodes", "study", "--json")
            agents = json.loads(result.stdout)["agents"]
            return {each["name"]: each["state"] for each in agents}[self.job] == "closing"

        wait_until(told, "the job on n2 is known to end")

    def end(self) -> str:
        """Open the gate, and wait until the study is finished; returns all that was printed."""
        self.open_gate()
        output, errors = self.process.communicate(timeout=300)
        assert self.process.returncode == 0, output + errors
        return output + errors

    def kill(self, module: str, node: str | None = None) -> None:
        """Kill the process that runs a module; its children may have the same command line."""
        found = [pid for pid in self.slurm.processes(node) if module in words_of(pid)]
        assert found, f"no {module} on {node}"
        os.kill(min(found), signal.SIGKILL)

    def kill_attempt(self, node: str) -> None:
        """Kill the attempt that is at work on a node."""
        starts = [
            each
            for number in range(len(NODES))
            for each in self.project.events(number)
            if each["event"] == "attempt_started" and each["node"] == node
        ]
        os.kill(starts[0]["pid"], signal.SIGKILL)


def words_of(pid: int) -> list[str]:
    """Command line of a process; empty where it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def assert_whole(project: Project, slurm: SlurmCluster, expected: Curves) -> None:
    """Assert that all trials have the values of one machine, and that no machine has anything."""
    assert project.states() == ["COMPLETE"] * TRIALS
    assert project.curves() == expected
    slurm.assert_empty()


def test_study_on_three_nodes_has_the_values_of_one_machine(
    project: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    run = Run(project, slurm)
    assert len(slurm.jobs()) == len(NODES)
    run.end()
    assert causes(project) == []
    assert_whole(project, slurm, expected)


def test_node_without_power_costs_the_epochs_since_its_checkpoint(
    project: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    run = Run(project, slurm)
    slurm.kill_node("n2")
    output = run.end()
    assert "node n2 was lost" in output
    assert causes(project) == ["lost"]
    assert_whole(project, slurm, expected)


@pytest.mark.parametrize(("module", "cause"), [(AGENT, "lost"), (SERVER, "killed")])
def test_process_that_is_killed_on_a_node_costs_one_attempt(
    project: Project, slurm: SlurmCluster, expected: Curves, module: str, cause: str
) -> None:
    run = Run(project, slurm)
    run.kill(module, "n2")
    run.end()
    assert causes(project) == [cause]
    assert_whole(project, slurm, expected)


def test_attempt_that_is_killed_goes_on(
    project: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    run = Run(project, slurm)
    run.kill_attempt("n2")
    run.end()
    assert causes(project) == ["killed"]
    assert_whole(project, slurm, expected)


def test_connection_that_is_killed_costs_nothing(
    project: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    run = Run(project, slurm)
    run.kill(ATTACH, "n2")
    run.end()
    assert causes(project) == []
    assert_whole(project, slurm, expected)


def test_job_that_is_cancelled_saves_and_another_takes_its_place(
    project: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    run = Run(project, slurm)
    slurm.run("scancel", run.job)
    run.wait_for_closing()
    run.end()
    assert causes(project) == ["interrupted"]
    assert_whole(project, slurm, expected)


def test_job_that_is_preempted_saves_before_its_grace_is_over(
    project: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    run = Run(project, slurm)
    command = ["sbatch", "--parsable", "--partition=urgent", "--cpus-per-task=8", "--nodelist=n2"]
    urgent = slurm.run(*command, "--output=/dev/null", "--wrap=sleep 600").strip()
    run.wait_for_closing()
    run.end()
    assert causes(project) == ["interrupted"]
    slurm.run("scancel", urgent)
    assert_whole(project, slurm, expected)


def test_job_that_is_requeued_is_replaced_and_never_runs_beside_the_other(
    project: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    run = Run(project, slurm)
    refused = slurm.attempt("scontrol", "requeue", run.job)
    assert refused.returncode != 0
    # which preemption respects as well, unless somebody allows it by hand
    slurm.run("scontrol", "update", f"jobid={run.job}", "requeue=1")
    slurm.run("scontrol", "requeue", run.job)
    run.end()
    assert len(causes(project)) == 1
    assert_whole(project, slurm, expected)


def test_limit_of_a_job_that_comes_nearer_lets_its_trial_save(
    project: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    run = Run(project, slurm)
    slurm.end_in(run.job, 40)
    run.wait_for_closing()
    run.end()
    assert causes(project) == ["interrupted"]
    assert_whole(project, slurm, expected)


@pytest.mark.long
def test_trials_that_are_longer_than_a_job_go_on_in_the_next(
    project: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    path = gated_study(project, pause=0.6, on={"engine": "slurm", "time": "1m"})
    (project.root / "open").touch()
    given = project.start("run", path, *ARGUMENTS)
    output, errors = given.communicate(timeout=540)
    assert given.returncode == 0, output + errors
    assert set(causes(project)) == {"interrupted"}
    assert_whole(project, slurm, expected)


def test_bridge_that_is_killed_costs_an_attempt_of_each_node(
    project: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    run = Run(project, slurm)
    run.kill(BRIDGE)
    output = run.end()
    assert "the process that talks to slurm was killed" in output
    assert causes(project) == ["lost"] * len(NODES)
    assert_whole(project, slurm, expected)


def test_controller_that_is_away_for_a_while_costs_nothing(
    project: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    run = Run(project, slurm)
    slurm.kill_controller()
    run.open_gate()
    wait_until(lambda: project.states().count("COMPLETE") >= len(NODES), "trials go on")
    slurm.start_controller()
    run.end()
    assert causes(project) == []
    assert_whole(project, slurm, expected)


def test_run_that_is_killed_is_finished_by_the_next_one(
    project: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    run = Run(project, slurm)
    run.process.kill()
    run.process.communicate()
    run.open_gate()
    result = project.run("run", run.path, *ON)
    assert result.returncode == 0, result.stdout + result.stderr
    assert len(causes(project)) == len(NODES)
    assert_whole(project, slurm, expected)


def test_interrupted_run_saves_and_gives_its_jobs_back(
    project: Project, slurm: SlurmCluster, expected: Curves
) -> None:
    run = Run(project, slurm)
    run.process.send_signal(signal.SIGINT)
    run.open_gate()
    output, errors = run.process.communicate(timeout=120)
    assert run.process.returncode == 130, output + errors
    assert causes(project) == ["interrupted"] * len(NODES)
    wait_until(lambda: not slurm.jobs(), "all jobs are given back")
    wait_until(lambda: not slurm.of_jobs(), "no process is left")
    result = project.run("run", run.path, *ON)
    assert result.returncode == 0, result.stdout + result.stderr
    assert_whole(project, slurm, expected)
