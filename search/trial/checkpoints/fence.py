"""Nothing is written into the folder of a trial that has become another attempt's.

A machine that slept, or was cut off, goes on where it stopped, while its trial goes on elsewhere:
its own executor ends its attempts as soon as it wakes, but not before they do. The fencing token of
Kleppmann, "How to do distributed locking" (2016), in a file that both can see.
"""

from __future__ import annotations

import os
from pathlib import Path

from search.layout import TrialFolder

_OWN = "SEARCH_ATTEMPT"


def fence_in(fence: str) -> None:
    """Let this process, and those that it starts, write for as long as the folder says this."""
    if fence:
        os.environ[_OWN] = fence


def leave_if_replaced(folder: Path) -> None:
    """End this process at once where another attempt has the trial now."""
    own = os.environ.get(_OWN)
    if own is None:
        return
    try:
        holder = TrialFolder(folder).attempt.read_text("ascii")
    except FileNotFoundError:
        # the folder is being moved, which is the coordinator's to notice
        return
    if holder != own:
        print("another attempt has this trial now; nothing more is written", flush=True)
        os._exit(os.EX_UNAVAILABLE)
