"""The commands to SLURM, and what is read from their output. No process is started here; the real
daemons are in tests/clusters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from search.executors.engines.engine import Allocation, Order, State
from search.executors.engines.slurm import Slurm, SlurmOptions
from search.executors.engines.slurm_steps import SlurmSteps, Standing, Step

ORDER = Order(
    name="search-1f",
    command=["/opt/env/bin/python", "-m", "agent", "it's here"],
    folder=Path("/home/ada/work"),
    log=Path("/home/ada/work/studies/a b/100%"),
    cpus=4,
)


def submitted_with(options: SlurmOptions, order: Order = ORDER, *excluded: str) -> list[str]:
    """Arguments of sbatch."""
    return Slurm(options).submit(order, excluded)[4:]


def script_of(options: SlurmOptions) -> list[str]:
    return Slurm(options).submit(ORDER, [])[3].splitlines()


def test_job_without_options_asks_for_cores_alone() -> None:
    assert submitted_with(SlurmOptions()) == [
        "--job-name=search-1f",
        "--cpus-per-task=4",
        "--output=/home/ada/work/studies/a b/100%%/%j.txt",
        "--open-mode=append",
        "--chdir=/home/ada/work",
        "--nodes=1",
        "--ntasks=1",
        "--no-requeue",
        "--parsable",
    ]


def test_job_asks_for_what_order_and_options_say() -> None:
    order = replace(ORDER, gpus=2, memory_bytes=3 * 2**30 + 1)
    options = SlurmOptions(partition="gpu", time_s=5401)
    given = submitted_with(options, order, "n1", "n7")
    wanted = {"--mem=3073", "--gres=gpu:2", "--time=91", "--partition=gpu", "--exclude=n1,n7"}
    assert wanted <= set(given)


def test_gres_of_the_user_stands_in_place_of_gpus() -> None:
    given = submitted_with(SlurmOptions(gres="gpu:a100:4"), replace(ORDER, gpus=4))
    assert [each for each in given if each.startswith("--gres")] == ["--gres=gpu:a100:4"]


def test_arguments_of_the_user_win_but_over_what_the_agent_relies_on() -> None:
    given = submitted_with(SlurmOptions(partition="gpu", extra=("--partition=big", "--requeue")))
    assert given.index("--partition=gpu") < given.index("--partition=big")
    assert given.index("--requeue") < given.index("--no-requeue")


def test_script_sets_up_and_becomes_the_agent() -> None:
    assert script_of(SlurmOptions(setup=("module load cuda", "export A='b c'"))) == [
        "#!/bin/bash",
        "set -e",
        "module load cuda",
        "export A='b c'",
        "exec /opt/env/bin/python -m agent 'it'\"'\"'s here' $SLURM_JOB_ID $SLURMD_NODENAME",
    ]


@pytest.mark.parametrize("output", ["17\n", "17;alps\n", "sbatch: account ada\n17\n"])
def test_identifier_is_the_number_that_sbatch_prints(output: str) -> None:
    assert Slurm(SlurmOptions()).submitted(output) == "17"


@pytest.mark.parametrize("output", ["", "Submitted batch job 17\n"])
def test_output_without_a_number_is_refused(output: str) -> None:
    with pytest.raises(ValueError, match="no number of a job"):
        Slurm(SlurmOptions()).submitted(output)


@pytest.mark.parametrize(
    ("line", "allocation"),
    [
        ("5|PENDING|N/A||Resources", Allocation("5", State.PENDING, why="Resources")),
        ("5|PENDING|1300||Priority", Allocation("5", State.PENDING, why="Priority")),
        ("5|CONFIGURING|1300|n1|None", Allocation("5", State.PENDING)),
        ("5|REQUEUE_HOLD|N/A||a|b", Allocation("5", State.PENDING, why="a|b")),
        ("5|RUNNING|1300|n1|None", Allocation("5", State.RUNNING, "n1", 300.0)),
        ("5|RUNNING|NONE|n1|None", Allocation("5", State.RUNNING, "n1")),
        ("5|SUSPENDED|1300|n1|None", Allocation("5", State.RUNNING, "n1", 300.0, "SUSPENDED")),
        ("5|NEWER|1300|n1|None", Allocation("5", State.RUNNING, "n1", 300.0, "NEWER")),
        ("5|COMPLETING|980|n1|None", Allocation("5", State.RUNNING, "n1", -20.0, "COMPLETING")),
        ("5|COMPLETING|N/A|n1|None", Allocation("5", State.RUNNING, "n1", None, "COMPLETING")),
        ("5|COMPLETING|690|n1|None", Allocation("5", State.GONE, "n1", why="COMPLETING")),
        ("5|TIMEOUT|990|n1|TimeLimit", Allocation("5", State.GONE, "n1", why="TIMEOUT")),
        ("5|NODE_FAIL|990|n1|None", Allocation("5", State.GONE, "n1", why="NODE_FAIL")),
        (
            "5|FAILED|990|n1|RaisedSignal:9(Killed)",
            Allocation("5", State.GONE, "n1", why="FAILED", has_ended=True),
        ),
        ("5|CANCELLED|990||None", Allocation("5", State.GONE, why="CANCELLED")),
    ],
)
def test_allocation_is_read_from_a_line_of_squeue(line: str, allocation: Allocation) -> None:
    assert Slurm(SlurmOptions()).allocations(f"{line}\n", now=1000.0) == [allocation]


def test_no_line_is_no_allocation() -> None:
    assert Slurm(SlurmOptions()).allocations("\n", now=1000.0) == []


def test_line_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="no line of a job"):
        Slurm(SlurmOptions()).allocations("slurm_load_jobs error: Unexpected message\n", now=0.0)


def test_job_of_two_nodes_starts_its_agent_with_the_others_and_the_way_to_them() -> None:
    order = replace(ORDER, nodes=2)
    assert submitted_with(SlurmOptions(), order)[5:8] == [
        "--nodes=2",
        "--ntasks=2",
        "--ntasks-per-node=1",
    ]
    *_, last = Slurm(SlurmOptions()).submit(order, [])[3].splitlines()
    assert last == (
        """exec /opt/env/bin/python -m agent 'it'"'"'s here' $SLURM_JOB_ID $SLURMD_NODENAME """
        '"$address" "$others" srun --overlap --nodes=1 --ntasks=1 --cpus-per-task=4 --mem=0 '
        "--mpi=none --unbuffered --quiet --nodelist"
    )


def test_step_of_an_allocation_is_found_by_its_name_and_node() -> None:
    steps = SlurmSteps("17", SlurmOptions(setup=("module load cuda",), partition="gpu"))
    order = replace(ORDER, gpus=2)
    command = steps.step(order, "17-n2-1", "n2")
    assert {"--jobid=17", "--nodelist=n2", "--overlap", "--cpus-per-task=4"} < set(command)
    assert {"--gres=gpu:2", "--mem=0", "--job-name=search-1f/17-n2-1"} < set(command)
    assert command[-1].splitlines()[1:] == [
        "module load cuda",
        "exec /opt/env/bin/python -m agent 'it'\"'\"'s here' 17-n2-1 n2",
    ]
    printed = (
        "end|1000\nnode|n1\nnode|n2\nstep|17.batch|n1|batch\nstep|17.0|n2|search-1f/17-n2-1\n"
        "step|17.1|n1|search-another/17-n1-1\nstep|17.2|n1|attach\n"
    )
    standing = steps.standing(printed, order, now=900.0)
    assert standing == Standing(["n1", "n2"], {"17-n2-1": Step("17.0", "n2")}, 100.0)
    assert steps.standing("end|NONE\nnode|n1\n", order, now=0.0) == Standing(["n1"], {}, None)
