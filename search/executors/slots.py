"""Slots: the cores, the memory and the GPUs of a machine, shared by the attempts of a study."""

from __future__ import annotations

import os

import psutil

from search.answers import Checked
from search.executors.cgroup import cpu_quota, memory_left_bytes
from search.executors.protocol import Slot


def slots_for(workers: int, threads: int, facts: Checked) -> list[Slot]:
    """One slot a worker: memory shared evenly, the GPU with most free memory first.

    Args:
        workers: no more than `gpu_groups` where a trial takes several GPUs.
        threads: CPU threads of each.
    """
    groups = gpu_groups(facts)
    if not groups:
        return [Slot(threads, memory_share=1.0 / workers) for _ in range(workers)]
    sharing = -(-workers // len(groups))
    return [
        Slot(
            threads,
            gpus=groups[index % len(groups)],
            memory_share=1.0 / workers,
            gpu_share=1.0 / sharing,
        )
        for index in range(workers)
    ]


def gpu_groups(facts: Checked) -> list[tuple[str, ...] | None]:
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


def free_memory_bytes() -> int:
    """Bytes that the attempts of a study may take now, without swapping."""
    available = int(psutil.virtual_memory().available)
    left = memory_left_bytes()
    return available if left is None else min(available, left)
