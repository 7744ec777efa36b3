"""What an actor of Ray does on the machine that it was given: it starts an agent, ends with it, and
is the way to it.

The agent is a process of its own, without Ray, as on any other engine. An actor has a thread for
each of `GROUPS`: one thread answers in the order of the calls, and
several would not.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import ray

from search.executors.engines.ray_relay import Relay
from search.executors.locked_folder import LockedFolder
from search.executors.remote.agent_files import announced, relay_name
from search.plain.visible_gpus import VISIBLE

# of one thread each
GROUPS = {"read": 1, "write": 1, "end": 1}
_PATIENCE_S = 60.0
# after which a call that has read nothing gives its answer, so that none outlives its line for long
_QUIET_S = 5.0
_PIECE_BYTES = 65536
_THREADS = "OMP_NUM_THREADS"

_Method = TypeVar("_Method", bound=Callable[..., Any])


def _in_group(name: str) -> Callable[[_Method], _Method]:
    # where a method is called, Ray Client takes no group
    grouped: Callable[[_Method], _Method] = ray.method(concurrency_group=name)
    return grouped


@dataclass(frozen=True)
class AgentStart:
    """The agent of an actor."""

    module: str
    """Module that it is run as; the number of the actor's process, the agent's folder, its name and
    that of its machine are its arguments."""
    name: str
    """Its name, which is the actor's as well."""
    agents: str
    """Folder of the agents' files, on the disk that all machines share."""
    folder: str
    """Folder that it is started in."""
    gpus: int
    """GPUs that Ray has given the actor."""
    threads: str | None
    """OMP_NUM_THREADS where the study is run; None without it."""
    others: tuple[Any, ...] = ()
    """Actors of the other machines of the allocation, whose agents this one leads."""


class AgentActor:
    """Starts the agent; the end of this process is the agent's.

    Args:
        start: what to start.
    """

    def __init__(self, start: AgentStart) -> None:
        shared = Path(start.agents)
        # where the disk is not shared, the agent notes that as soon as it is asked to serve
        self._own: LockedFolder | None = None
        self._folder = shared
        if not shared.is_dir():
            self._own = LockedFolder(Path(tempfile.gettempdir()))
            self._folder = self._own.path
        self._start = start
        self._agent: subprocess.Popen[bytes] | None = None
        self._connections: dict[int, socket.socket] = {}
        self._number = 0
        is_begun = threading.Event()
        # Linux counts the end of the thread that started a process as the end of its parent
        self._keeper = threading.Thread(target=self._keep, args=[is_begun], daemon=True)
        self._keeper.start()
        is_begun.wait()

    def where(self) -> tuple[str, str]:
        """The name of this machine, and Ray's of its node."""
        return socket.gethostname(), ray.get_runtime_context().get_node_id()

    @_in_group("write")
    def open(self) -> int | None:
        """Connect to the agent, in the place of an earlier connection.

        Returns:
            The number of the connection; None where the agent has ended.

        Raises:
            TimeoutError: it did not start.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while (address := announced(self._folder, self._start.name)) is None:
            if not self._keeper.is_alive():
                return None
            if time.monotonic() > deadline:
                raise TimeoutError(f"agent {self._start.name} did not start")
            time.sleep(0.05)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.connect(address)
        except (ConnectionRefusedError, FileNotFoundError):
            connection.close()
            return None
        for before in list(self._connections.values()):
            # wakes the call that reads from it, which closes it
            with contextlib.suppress(OSError):
                before.shutdown(socket.SHUT_RDWR)
        self._number += 1
        self._connections[self._number] = connection
        return self._number

    @_in_group("read")
    def read(self, number: int) -> bytes | None:
        """What has come from the agent over a connection; nothing at its end, and None as long as
        there is no more."""
        connection = self._connections.get(number)
        if connection is None:
            return b""
        readable, _, _ = select.select([connection], [], [], _QUIET_S)
        if not readable:
            return None
        data = b""
        with contextlib.suppress(OSError):
            data = connection.recv(_PIECE_BYTES)
        if not data:
            del self._connections[number]
            connection.close()
        return data

    @_in_group("write")
    def write(self, number: int, data: bytes) -> bool:
        """Send to the agent; returns whether the connection is still there."""
        connection = self._connections.get(number)
        if connection is None:
            return False
        try:
            connection.sendall(data)
        except OSError:
            return False
        return True

    @_in_group("end")
    def end(self) -> int:
        """Wait for the end of the agent; returns its exit status."""
        self._keeper.join()
        return 1 if self._agent is None else self._agent.returncode

    def _keep(self, is_begun: threading.Event) -> None:
        start = self._start
        folder = start.folder if Path(start.folder).is_dir() else self._folder
        command = [sys.executable, "-m", start.module, str(os.getpid()), str(self._folder)]
        command += [start.name, socket.gethostname()]
        with (self._folder / f"{start.name}.txt").open("ab") as log:
            try:
                if start.others:
                    command += self._lead(start.others)
                self._agent = subprocess.Popen(
                    command,
                    cwd=folder,
                    env=agent_environment(os.environ, start),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            finally:
                is_begun.set()
            self._agent.wait()
        for other in start.others:
            with contextlib.suppress(ray.exceptions.RayError):
                ray.kill(other)
        if self._own is not None:
            self._own.remove()

    def _lead(self, others: Sequence[Any]) -> list[str]:
        """Make the ways to the other agents; returns what the first one is told of them."""
        places = ray.get([each.where.remote() for each in others])
        for number, other in enumerate(others, 1):
            Relay(other, self._folder, relay_name(self._start.name, number))
        return [ray.util.get_node_ip_address(), ",".join(node for node, _ in places)]


def agent_environment(own: Mapping[str, str], start: AgentStart) -> dict[str, str]:
    """The variables of an agent, and so of its attempts.

    Args:
        own: those of the actor's process.
    """
    environment = dict(own)
    # Ray sets it to the cores of the actor, which are those of several trials
    environment.pop(_THREADS, None)
    if start.threads is not None:
        environment[_THREADS] = start.threads
    if not start.gpus:
        # Ray leaves it as it is, and these GPUs are others'
        environment[VISIBLE] = ""
    environment["PYTHONSAFEPATH"] = "1"
    return environment
