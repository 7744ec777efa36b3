"""Slots: the cores, the memory and the GPUs of a machine, shared by the attempts of a study."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

from search.answers import Checked
from search.messages import Slot
from search.plain.cgroup import cpu_quota

# the GPUs of one trial; None leaves all
GpuGroup = tuple[str, ...] | None


def slots_for(workers: int, threads: int, groups: Sequence[GpuGroup]) -> list[Slot]:
    """One slot a worker, each with its part of the memory.

    Args:
        threads: CPU threads of each.
        groups: GPUs of the workers in turn, the same ones again where trials share them; empty
            where trials take none.
    """
    if not groups:
        return [Slot(threads, memory_share=1.0 / workers) for _ in range(workers)]
    taken = [groups[index % len(groups)] for index in range(workers)]
    # the same for all, so that no trial fails for the slot that it happened to get
    most = max(Counter(taken).values())
    return [
        Slot(threads, gpus=group, memory_share=1.0 / workers, gpu_share=1.0 / most)
        for group in taken
    ]


def gpu_groups(facts: Checked) -> list[GpuGroup]:
    """The GPUs of one trial each; empty where trials take none, and None, which leaves all, where
    the study file says which."""
    if not facts.gpus or not facts.gpus_a_trial:
        return []
    if facts.gpus_are_named:
        return [None]
    size = min(facts.gpus_a_trial, len(facts.gpus))
    starts = range(0, len(facts.gpus) - size + 1, size)
    return [facts.gpus[start : start + size] for start in starts]


def cores() -> int:
    """CPU cores that this process may use: those that it may run on, and no more than the time
    that its control group is given, to the nearest core."""
    count = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    quota = cpu_quota()
    return count if quota is None else max(1, min(count, round(quota)))
