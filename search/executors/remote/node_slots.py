"""The slots of one agent: what its allocation was given, in equal parts."""

from __future__ import annotations

import os

from search.executors.slots import slots_for
from search.messages import Slot
from search.plain.visible_gpus import visible_gpus


def node_slots(count: int, threads: int, gpus: int | None) -> list[Slot]:
    """So many slots of an allocation, of whose GPUs each has its own.

    Args:
        threads: CPU threads of each.
        gpus: GPUs of each; None where each sees those that there are.
    """
    if gpus == 0:
        # the machine may have some that the engine does not hide
        return slots_for(count, threads, [()])
    visible = visible_gpus(os.environ)
    if gpus is None or visible is None:
        return slots_for(count, threads, [])
    groups = [visible[start : start + gpus] for start in range(0, len(visible), gpus)]
    return slots_for(count, threads, [group for group in groups if len(group) == gpus])
