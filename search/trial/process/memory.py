"""Memory of an attempt's process."""

from __future__ import annotations

import contextlib
import resource
import sys

import psutil


def peak_memory_bytes() -> int:
    """The largest resident size this process has had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def children_memory_bytes() -> int:
    """Memory that the processes which this one has started have for themselves now."""
    total = 0
    for child in psutil.Process().children(recursive=True):
        # one that has ended meanwhile
        with contextlib.suppress(psutil.Error):
            total += int(child.memory_full_info().uss)
    return total
