"""The end of a test cluster, whatever becomes of pytest.

`python slurm_keeper.py FOLDER` waits until its input ends, as it does when the process that holds
the other end is gone, kills all processes that carry the mark of that folder, and removes it.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path

# in the environment of all that belongs to a cluster; its value is the folder
MARK = "SEARCH_TEST_CLUSTER"


def variables_of(pid: int) -> dict[str, str]:
    """Environment that a process was started with; empty where it is gone."""
    try:
        text = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except OSError:
        return {}
    return dict(each.split("=", 1) for each in text.split("\0") if "=" in each)


def marked(folder: Path) -> list[int]:
    """Processes of the cluster in a folder."""
    everything = (int(path.name) for path in Path("/proc").glob("[0-9]*"))
    return [pid for pid in everything if variables_of(pid).get(MARK) == str(folder)]


def kill_all(folder: Path) -> None:
    """Kill the processes of the cluster in a folder, and those that they start meanwhile."""
    while found := marked(folder):
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)


if __name__ == "__main__":
    sys.stdin.read()
    kept = Path(sys.argv[1])
    kill_all(kept)
    shutil.rmtree(kept)
