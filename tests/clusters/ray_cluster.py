"""A real Ray on this machine: a head and two nodes, with ports and a folder of their own.

Its processes, those of actors and their agents included, carry the mark of `slurm_keeper`, by which
they are found and ended also where pytest is killed. Another Ray of the machine is left alone.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
from clusters.slurm_cluster import hiding, wait_until
from clusters.slurm_keeper import MARK, marked

# what a run starts beside the processes of Ray itself
_OURS = ("search.executors.remote", "search.trial", "ray::AgentActor")


def missing_packages() -> list[str]:
    """Packages of the extra `ray` that are not installed here."""
    return [name for name in ("ray", "grpc") if importlib.util.find_spec(name) is None]


class RayCluster:
    """A cluster that runs, and what can befall its nodes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # which no node sees, where this machine can hide a folder
        self.disk_of_head = folder / "head"
        self.disk_of_head.mkdir()
        environment = {**os.environ, MARK: str(folder), "RAY_USAGE_STATS_ENABLED": "0"}
        with (folder / "nodes.log").open("ab") as log:
            self._nodes = subprocess.Popen(
                [
                    *hiding(self.disk_of_head),
                    *(sys.executable, Path(__file__).with_name("ray_nodes.py"), folder),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                text=True,
                start_new_session=True,
            )
        told = self._answer()
        self.client = told["client"]
        self.environment = {"RAY_ADDRESS": told["address"], MARK: str(folder)}

    def _answer(self) -> dict[str, str]:
        assert self._nodes.stdout is not None
        line = self._nodes.stdout.readline()
        assert line, (self.folder / "nodes.log").read_text()
        answer: dict[str, str] = json.loads(line)
        return answer

    def processes(self) -> list[psutil.Process]:
        """Bridges, actors, agents and their attempts."""
        found = []
        for pid in marked(self.folder):
            with suppress(psutil.Error):
                process = psutil.Process(pid)
                if any(each in " ".join(process.cmdline()) for each in _OURS):
                    found.append(process)
        return found

    def agents(self) -> list[psutil.Process]:
        """The agents, the earliest first."""
        found = []
        for process in self.processes():
            with suppress(psutil.Error):
                if "search.executors.remote.child_agent" in process.cmdline():
                    found.append(process)
        return sorted(found, key=psutil.Process.create_time)

    def kill_node_of(self, agent: psutil.Process) -> None:
        """Take the power of the node of an agent: all of its processes die at once, and none sees
        another's death."""
        raylet = next(each for each in agent.parents() if each.name() == "raylet")
        stopped: list[psutil.Process] = []
        while new := [
            each for each in [raylet, *raylet.children(recursive=True)] if each not in stopped
        ]:
            for each in new:
                with suppress(psutil.Error):
                    each.suspend()
            stopped += new
        for each in stopped:
            with suppress(psutil.Error):
                each.kill()

    def add_node(self) -> None:
        """Start another node."""
        assert self._nodes.stdin is not None
        self._nodes.stdin.write("\n")
        self._nodes.stdin.flush()
        self._answer()

    def close(self) -> None:
        """End the nodes."""
        self._nodes.communicate(timeout=60)

    def wait_until_empty(self) -> None:
        """Wait until nothing is left of any run."""
        wait_until(lambda: not self.processes(), "nothing is left of a run")


@contextmanager
def started_ray() -> Iterator[RayCluster]:
    """A cluster of two nodes; ended with everything that it ran, whatever happens."""
    # the paths of Ray's sockets would be too long below pytest's folders
    folder = Path(tempfile.mkdtemp(prefix="search-ray-"))
    keeper = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("slurm_keeper.py"), folder],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    with ExitStack() as stack:
        stack.callback(keeper.communicate)
        cluster = RayCluster(folder)
        stack.callback(cluster.close)
        yield cluster
