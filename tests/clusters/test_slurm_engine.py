"""The commands of the engine, run on real daemons of SLURM."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from clusters.slurm_cluster import GPUS, NODES, SlurmCluster, wait_until

from search.executors.engines.engine import Allocation, Order, State
from search.executors.engines.slurm import Slurm, SlurmOptions

pytestmark = pytest.mark.real

# says what it is, and ends well at SIGTERM
AGENT = "trap 'echo saved; exit 0' TERM; echo $$ $CUDA_VISIBLE_DEVICES; while :; do sleep 0.1; done"


class Jobs:
    """Runs the engine's commands for one order."""

    def __init__(self, cluster: SlurmCluster, engine: Slurm, order: Order) -> None:
        self.cluster = cluster
        self.engine = engine
        self.order = order

    def submit(self, *excluded: str) -> str:
        return self.engine.submitted(self.cluster.run(*self.engine.submit(self.order, excluded)))

    def allocation(self, identifier: str) -> Allocation | None:
        output = self.cluster.run(*self.engine.status(self.order))
        found = self.engine.allocations(output, time.time())
        return next((each for each in found if each.identifier == identifier), None)

    def state(self, identifier: str) -> State:
        found = self.allocation(identifier)
        return State.GONE if found is None else found.state

    def wait_for(self, identifier: str, state: State) -> Allocation:
        wait_until(lambda: self.state(identifier) is state, f"job {identifier} is {state}")
        found = self.allocation(identifier)
        assert found is not None
        return found

    def cancel(self, *identifiers: str) -> None:
        self.cluster.run(*self.engine.cancel(identifiers))

    def log(self, identifier: str) -> list[str]:
        path = self.order.log / f"{identifier}.txt"
        return path.read_text().splitlines() if path.exists() else []

    def wait_for_log(self, identifier: str) -> list[str]:
        """Lines of an agent that runs; before the first, it cannot be ended well."""
        wait_until(lambda: self.log(identifier), f"job {identifier} says something")
        return self.log(identifier)


Make = Callable[..., Jobs]


@pytest.fixture
def make(slurm: SlurmCluster, tmp_path: Path) -> Make:
    """Jobs with options of SLURM, and changes of the order."""

    def made(options: SlurmOptions | None = None, **changes: object) -> Jobs:
        # a blank and a percent sign, of which sbatch makes something else
        log = tmp_path / "the %j logs"
        log.mkdir()
        order = Order("search-test", ["bash", "-c", AGENT], tmp_path, log, cpus=1)
        return Jobs(slurm, Slurm(options or SlurmOptions()), replace(order, **changes))

    return made


def test_job_waits_runs_and_is_gone_when_given_back(make: Make) -> None:
    jobs = make(cpus=8)
    ids = [jobs.submit() for _ in range(len(NODES) + 1)]
    running = [jobs.wait_for(each, State.RUNNING) for each in ids[:-1]]
    assert sorted(each.node for each in running) == sorted(NODES)
    waiting = jobs.allocation(ids[-1])
    assert waiting is not None
    assert (waiting.state, waiting.node, waiting.ends_in_s) == (State.PENDING, "", None)
    assert waiting.why in {"Resources", "Priority"}
    for each in ids[:-1]:
        jobs.wait_for_log(each)
    jobs.cancel(*ids)
    assert {jobs.wait_for(each, State.GONE).why for each in ids} <= {"CANCELLED", "COMPLETED"}
    assert all(jobs.log(each)[-1] == "saved" for each in ids[:-1])
    # once more does no harm
    jobs.cancel(*ids)


def test_jobs_of_other_studies_are_not_listed(make: Make) -> None:
    jobs = make()
    theirs = jobs.submit()
    jobs.wait_for(theirs, State.RUNNING)
    assert (
        Jobs(jobs.cluster, jobs.engine, replace(jobs.order, name="search")).allocation(theirs)
        is None
    )


def test_job_runs_setup_in_bash_and_sees_its_gpus(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    # as environment modules give it to the shells of a user
    monkeypatch.setenv("BASH_FUNC_module%%", "() { echo module $*; }")
    jobs = make(SlurmOptions(setup=("module load 'a b'",)), gpus=GPUS)
    job = jobs.submit()
    wait_until(lambda: len(jobs.log(job)) == 2, "the agent has begun")
    module, agent = jobs.log(job)
    assert module == "module load a b"
    assert agent.split()[1:] == (["0,1"] if os.getuid() == 0 else [])


def test_job_ends_where_a_line_of_its_setup_fails(make: Make) -> None:
    jobs = make(SlurmOptions(setup=("module load nothing", "echo went on")))
    job = jobs.submit()
    assert jobs.wait_for(job, State.GONE).why == "FAILED"
    assert len(jobs.log(job)) == 1
    assert "module: command not found" in jobs.log(job)[0]


def test_attached_command_is_a_pipe_both_ways_beside_the_agent(make: Make) -> None:
    # the agent has all of the node
    jobs = make(cpus=8, gpus=GPUS, memory_bytes=15 * 2**30)
    job = jobs.submit()
    node = jobs.wait_for(job, State.RUNNING).node
    command = ["bash", "-c", 'echo $SLURMD_NODENAME; while read line; do echo "<$line>"; done']
    for _ in range(2):
        with subprocess.Popen(
            jobs.engine.attach(job, command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stdout.readline() == f"{node}\n"
            for line in ("one", "two"):
                process.stdin.write(f"{line}\n")
                process.stdin.flush()
                assert process.stdout.readline() == f"<{line}>\n"
            _, errors = process.communicate(timeout=30)
        assert (process.returncode, errors) == (0, "")
    assert jobs.state(job) is State.RUNNING


def test_attaching_to_a_job_that_is_gone_fails_at_once(make: Make) -> None:
    jobs = make(command=["true"])
    job = jobs.submit()
    jobs.wait_for(job, State.GONE)
    result = jobs.cluster.attempt(*jobs.engine.attach(job, ["true"]))
    assert result.returncode != 0
    assert job in result.stderr


def test_job_is_on_no_excluded_node(make: Make) -> None:
    jobs = make(cpus=8)
    first, second = jobs.submit("n1", "n2"), jobs.submit("n1", "n2")
    assert jobs.wait_for(first, State.RUNNING).node == "n3"
    assert jobs.state(second) is State.PENDING


def test_limit_of_a_job_is_told_and_follows_its_changes(make: Make) -> None:
    jobs = make(SlurmOptions(time_s=1800))
    job = jobs.submit()
    left_s = jobs.wait_for(job, State.RUNNING).ends_in_s
    assert left_s is not None
    assert 1500 < left_s <= 1801
    jobs.cluster.end_in(job, 60)
    changed = jobs.allocation(job)
    assert changed is not None
    assert changed.ends_in_s is not None
    assert changed.ends_in_s <= 61


def test_node_that_dies_takes_its_job_and_no_other(make: Make) -> None:
    jobs = make(cpus=8)
    ids = [jobs.submit() for _ in NODES]
    nodes = {each: jobs.wait_for(each, State.RUNNING).node for each in ids}
    for each in ids:
        jobs.wait_for_log(each)
    dead = ids[0]
    jobs.cluster.kill_node(nodes[dead])
    assert not jobs.cluster.processes(nodes[dead])
    jobs.cluster.declare_down(nodes[dead])
    gone = jobs.wait_for(dead, State.GONE)
    assert (gone.node, gone.why) == (nodes[dead], "NODE_FAIL")
    assert [jobs.state(each) for each in ids[1:]] == [State.RUNNING] * (len(NODES) - 1)
    assert "saved" not in jobs.log(dead)


def test_preempted_job_is_told_its_end_before_and_does_not_come_back(make: Make) -> None:
    jobs = make(SlurmOptions(time_s=3600), cpus=8)
    ids = [jobs.submit() for _ in NODES]
    for each in ids:
        jobs.wait_for(each, State.RUNNING)
        jobs.wait_for_log(each)
    urgent = Slurm(SlurmOptions(partition="urgent"))
    Jobs(jobs.cluster, urgent, replace(jobs.order, name="urgent")).submit()

    def told() -> list[str]:
        found = {each: jobs.allocation(each) for each in ids}
        return [
            name
            for name, each in found.items()
            if each is not None and each.ends_in_s is not None and 0 < each.ends_in_s < 60
        ]

    wait_until(told, "a job is told that it ends")
    preempted = told()[0]
    gone = jobs.wait_for(preempted, State.GONE)
    assert jobs.log(preempted)[-1] == "saved"
    assert gone.why in {"PREEMPTED", "COMPLETED"}
    assert sum(jobs.state(each) is State.RUNNING for each in ids) == len(NODES) - 1


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        (SlurmOptions(partition="nope"), "Invalid partition name specified"),
        (SlurmOptions(gres="gpu:100"), "Requested node configuration is not available"),
        (SlurmOptions(extra=("--colour",)), "unrecognized option '--colour'"),
    ],
)
def test_refused_job_has_its_cause_on_stderr(make: Make, options: SlurmOptions, cause: str) -> None:
    jobs = make(options)
    result = jobs.cluster.attempt(*jobs.engine.submit(jobs.order, []))
    assert result.returncode != 0
    assert cause in result.stderr
    assert not jobs.cluster.jobs()
