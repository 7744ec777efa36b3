"""The memory of this machine, as far as this process may take it: a container, or a job of a
cluster, has a part of it."""

from __future__ import annotations

from pathlib import Path

import psutil

from search.plain import cgroup

_KERNEL_COUNTERS = Path("/proc/vmstat")


def total_memory_bytes() -> int:
    """Bytes that this process and its children may take in all."""
    total = int(psutil.virtual_memory().total)
    limit = cgroup.memory_limit_bytes()
    return total if limit is None else min(total, limit)


def free_memory_bytes() -> int:
    """Bytes that they may take now beside what they have, without swapping."""
    available = int(psutil.virtual_memory().available)
    left = cgroup.memory_left_bytes()
    return available if left is None else min(available, left)


def kernel_memory_kills() -> int:
    """Number of processes that the kernel has killed for memory so far: in the control group of
    this process, else on the whole machine; 0 where neither is told (not Linux, or before 4.13)."""
    kills = cgroup.memory_kills()
    return _kills_on_machine() if kills is None else kills


def _kills_on_machine() -> int:
    if not _KERNEL_COUNTERS.is_file():
        return 0
    for line in _KERNEL_COUNTERS.read_text("ascii").splitlines():
        if line.startswith("oom_kill "):
            return int(line.split()[1])
    return 0
