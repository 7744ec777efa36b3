"""The allocation of SLURM that this process is in, where that has nodes for others.

One of a single node is the place of a command that asks for jobs of its own: nobody asks for
several nodes for that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_MIB = 2**20


@dataclass(frozen=True)
class OwnAllocation:
    """What was given before the command began."""

    job: str
    """Number of the job."""
    nodes: int
    """Nodes of it."""
    cpus: int
    """Cores of the node that has the fewest."""
    gpus: int | None = None
    """GPUs of a node; None where SLURM does not say it."""
    memory_bytes: int | None = None
    """Memory of a node; None where SLURM does not say it."""

    def trials_on_node(self, cpus: int, gpus: int | None, memory_bytes: int | None) -> int:
        """Trials that a node has room for at a time; 0 where one takes more than there is.

        Args:
            cpus: cores of one.
            gpus: GPUs of one.
            memory_bytes: memory of one; None for its share.
        """
        rooms = [self.cpus // cpus]
        if gpus and self.gpus is not None:
            rooms.append(self.gpus // gpus)
        if memory_bytes and self.memory_bytes is not None:
            rooms.append(self.memory_bytes // memory_bytes)
        # how many GPUs there are is not known where the command is on none of the nodes
        return min(rooms) if not gpus or self.gpus is not None else min(1, *rooms)


def own_allocation(environment: Mapping[str, str]) -> OwnAllocation | None:
    """The allocation of several nodes that a process with this environment is in; None where it is
    in none."""
    job, nodes = environment.get("SLURM_JOB_ID"), _number(environment, "SLURM_JOB_NUM_NODES")
    if job is None or nodes is None or nodes < 2:
        return None
    # as 16(x7),8
    counts = re.findall(r"(\d+)(?:\(x\d+\))?", environment.get("SLURM_JOB_CPUS_PER_NODE", ""))
    cpus = min(map(int, counts), default=1)
    gpus = _number(environment, "SLURM_GPUS_ON_NODE")
    memory = _number(environment, "SLURM_MEM_PER_NODE")
    if memory is None and (each := _number(environment, "SLURM_MEM_PER_CPU")) is not None:
        memory = each * cpus
    return OwnAllocation(job, nodes, cpus, gpus, memory * _MIB if memory else None)


def _number(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else None
