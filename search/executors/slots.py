"""Slots: the cores, the memory and the GPUs of a machine, shared by the attempts of a study."""

from __future__ import annotations

import os

from search.answers import Checked
from search.executors.protocol import Slot


def slots_for(workers: int, facts: Checked) -> list[Slot]:
    """One slot a worker: cores and memory shared evenly, the GPU with most free memory first.

    Workers share a GPU where they are more than those. Trials of several GPUs share none, so there
    are no more slots than can have as many of their own.
    """
    if not facts.gpus or not facts.gpus_a_trial:
        return [Slot(_threads(workers), memory_share=1.0 / workers) for _ in range(workers)]
    groups = _groups(facts)
    if facts.gpus_a_trial > 1:
        workers = min(workers, len(groups))
    sharing = -(-workers // len(groups))
    return [
        Slot(
            _threads(workers),
            gpus=groups[index % len(groups)],
            memory_share=1.0 / workers,
            gpu_share=1.0 / sharing,
        )
        for index in range(workers)
    ]


def cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _groups(facts: Checked) -> list[tuple[str, ...] | None]:
    """The GPUs of one trial each; None, which leaves all, where the study file says which."""
    if facts.gpus_are_named:
        return [None]
    size = min(facts.gpus_a_trial, len(facts.gpus))
    starts = range(0, len(facts.gpus) - size + 1, size)
    return [facts.gpus[start : start + size] for start in starts]


def _threads(workers: int) -> int:
    return max(1, cores() // workers)
