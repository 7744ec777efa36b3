"""The allocation that a command is in, by what SLURM says in the environment."""

from __future__ import annotations

from search.executors.engines.own_allocation import OwnAllocation, own_allocation

GIVEN = {
    "SLURM_JOB_ID": "17",
    "SLURM_JOB_NUM_NODES": "3",
    "SLURM_JOB_CPUS_PER_NODE": "16(x2),12",
}


def test_allocation_of_several_nodes_is_one_to_work_in() -> None:
    assert own_allocation(GIVEN) == OwnAllocation("17", nodes=3, cpus=12)
    more = {"SLURM_GPUS_ON_NODE": "4", "SLURM_MEM_PER_CPU": "100"}
    assert own_allocation(GIVEN | more) == OwnAllocation("17", 3, 12, 4, 1200 << 20)
    assert own_allocation(GIVEN | {"SLURM_MEM_PER_NODE": "500"}) == OwnAllocation(
        "17", 3, 12, memory_bytes=500 << 20
    )


def test_job_of_one_node_and_no_job_are_none() -> None:
    assert own_allocation(GIVEN | {"SLURM_JOB_NUM_NODES": "1"}) is None
    assert own_allocation({}) is None


def test_trials_of_a_node_are_as_many_as_each_thing_is_enough_for() -> None:
    node = OwnAllocation("17", 3, cpus=16, gpus=4, memory_bytes=64 << 30)
    assert node.trials_on_node(2, None, None) == 8
    assert node.trials_on_node(2, 1, None) == 4
    assert node.trials_on_node(2, 1, 32 << 30) == 2
    assert node.trials_on_node(32, None, None) == 0
    # nobody knows how many GPUs there are
    assert OwnAllocation("17", 3, cpus=16).trials_on_node(2, 1, None) == 1
