"""The nodes that a run has before it begins, of the allocation of SLURM that it is started in."""

from __future__ import annotations

import os
from collections.abc import Callable

from search.errors import UserError
from search.executors.engines.own_allocation import OwnAllocation, own_allocation
from search.plain.formats import format_count, format_list
from search.study_file.cluster_sections import On, Resources


def own_nodes(on: On, given: Resources) -> OwnAllocation | None:
    """The allocation whose nodes the trials of a run have; None where each job is asked for, as
    for trials that take several nodes.

    Args:
        given: what one trial has.
    """
    if on.engine != "slurm" or given.node_count > 1:
        return None
    return own_allocation(os.environ)


def trials_of_agent(own: OwnAllocation | None, on: On, given: Resources, cpus: int) -> int:
    """Trials at a time in each job that is asked for, or on each node that is there: as the study
    file says, or on a node as many as there is room for.

    Args:
        own: the allocation that is there; None where jobs are asked for.
        cpus: of one trial.

    Raises:
        UserError: a node has no room for one.
    """
    if own is None:
        return on.trials_per_job
    room = own.trials_on_node(cpus, given.gpus, given.memory_bytes)
    if room < 1:
        has = format_count(own.cpus, "CPU")
        raise UserError(
            f"--on slurm: job {own.job} has {has} on a node, and a trial takes more than is there. "
            "Ask for nodes with more (sbatch --cpus-per-task, --gpus-per-node, --mem), or change "
            "resources."
        )
    return min(room, on.trials_per_job) if on.trials_per_job > 1 else room


def tell_left_out(on: On, given: Resources, note: Callable[[str], None]) -> None:
    """Tell what a study file asks of jobs that are not asked for."""
    own = own_nodes(on, given)
    if own is None:
        return
    asked = {"partition": on.partition, "time": on.time_s, "extra": on.extra}
    if keys := [key for key, value in asked.items() if value]:
        names = format_list([f"on.{key}" for key in keys], len(keys))
        note(f"{names}: left out, because trials run on the nodes of job {own.job}")
