"""The driver of a Ray: an allocation is a named actor in the namespace of the study.

Its calls wait for Ray, so whoever has something else to do makes them in threads. All that Ray
offers besides actors is left alone. Tried with Ray 2.60.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import re
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from search.errors import UserError
from search.executors.engines.engine import Allocation, Order, State
from search.executors.remote.agent_files import other_name
from search.plain.formats import format_count, format_list, format_size
from search.plain.installing import install_line

# an actor is seldom there sooner, also where there is room
_UNREMARKABLE_S = 5.0
_KNOCK_S = 10.0
_MISMATCH = re.compile(r"Ray: (\S+)\s+Python: (\S+).*Ray: (\S+)\s+Python: (\S+)", re.DOTALL)
_DEAD = "The actor is dead because "


@dataclass(frozen=True)
class RayOptions:
    """Where the cluster is, and what its workers are to have."""

    address: str | None = None
    """HOST:PORT of the head, or ray://HOST:PORT of its Client server; None for the cluster that
    this machine is a node of."""
    runtime_env: Mapping[str, Any] | None = None
    """Environment of the workers, as Ray takes it."""


@dataclass
class _Actor:
    handle: Any
    asked_at: float
    placed: Any
    """Where it is, as soon as it is there."""
    end: Any
    """The end of its agent."""
    node: str = ""
    others: tuple[Any, ...] = ()
    """The actors of its other machines."""
    group: Any = None
    """What keeps all of them apart; None for an actor alone."""


class RayDriver:
    """One connection to Ray, made by the first `submit`.

    Args:
        order: what actors are to be; its command is the module that an agent is run as.

    Raises:
        UserError: Ray is not installed.
    """

    def __init__(self, options: RayOptions, order: Order) -> None:
        if importlib.util.find_spec("ray") is None:
            raise UserError(f"--on ray: ray is not installed. Add it: {install_line('ray')}.")
        self._options = options
        self._order = order
        self._lock = threading.Lock()
        self._ray: Any = None
        self._actors: dict[str, _Actor] = {}
        # Ray's names of the nodes of each machine
        self._nodes: dict[str, set[str]] = {}

    def submit(self, name: str, excluded: Sequence[str]) -> None:
        """Ask for an actor of this name.

        Args:
            excluded: machines that it must not be on.

        Raises:
            UserError: there is no connection to Ray.
        """
        ray, order = self._connected(), self._order
        from search.executors.engines.ray_actor import GROUPS, AgentActor, AgentStart
        from search.executors.engines.ray_group import in_group, spread_group

        (module,) = order.command
        start = AgentStart(
            module,
            name,
            str(order.log),
            str(order.folder),
            order.gpus,
            os.environ.get("OMP_NUM_THREADS"),
        )
        asked: dict[str, Any] = {
            "num_cpus": order.cpus,
            "num_gpus": order.gpus,
            "max_restarts": 0,
            "concurrency_groups": GROUPS,
        }
        if order.memory_bytes is not None:
            asked["memory"] = order.memory_bytes
        shunned = sorted(
            node for each in ",".join(excluded).split(",") for node in self._nodes.get(each, ())
        )
        elsewhere = {"ray.io/node-id": f"!in({','.join(shunned)})"} if shunned else {}
        group, others, place = None, (), {}
        if order.nodes > 1:
            group = spread_group(order, elsewhere)
            others = tuple(
                ray.remote(**asked, **in_group(group, number), name=other_name(name, number))(
                    AgentActor
                ).remote(replace(start, name=other_name(name, number)))
                for number in range(1, order.nodes)
            )
            place = in_group(group, 0)
        elif elsewhere:
            place = {"label_selector": elsewhere}
        actor = ray.remote(**asked, **place, name=name)(AgentActor)
        handle = actor.remote(replace(start, others=others))
        self._actors[name] = _Actor(
            handle,
            asked_at=time.monotonic(),
            placed=handle.where.remote(),
            end=handle.end.remote(),
            others=others,
            group=group,
        )

    def allocations(self) -> list[Allocation]:
        """The actors that were asked for; one that is not among them is gone."""
        actors = list(self._actors.items())
        return [self._allocation(name, actor) for name, actor in actors]

    def kill(self, names: Sequence[str]) -> None:
        """Give actors back, those that are gone already included."""
        for name in names:
            if (actor := self._actors.pop(name, None)) is not None:
                for each in (actor.handle, *actor.others):
                    self._ray.kill(each)
                if actor.group is not None:
                    self._ray.util.remove_placement_group(actor.group)

    def open(self, name: str) -> int | None:
        """Connect to the agent of an actor; returns the number of the connection, and None where
        the agent has ended."""
        number: int | None = self._ray.get(self._handle(name).open.remote())
        return number

    def read(self, name: str, number: int) -> bytes | None:
        """Wait for what comes over a connection, for a while; nothing at its end."""
        data: bytes | None = self._ray.get(self._handle(name).read.remote(number))
        return data

    def write(self, name: str, number: int, data: bytes) -> bool:
        """Send over a connection; returns whether it is still there."""
        is_there: bool = self._ray.get(self._handle(name).write.remote(number, data))
        return is_there

    def close(self) -> None:
        """Leave Ray, which ends the actors that are still there."""
        if self._ray is not None:
            self._ray.shutdown()

    def _handle(self, name: str) -> Any:
        if name not in self._actors:
            raise ConnectionError(f"actor {name} is gone")
        return self._actors[name].handle

    def _connected(self) -> Any:
        with self._lock:
            if self._ray is None:
                self._ray = self._connect()
        return self._ray

    def _connect(self) -> Any:
        # nothing but numbers of nodes and actors would go to its makers, and nobody was asked
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        address = self._options.address or os.environ.get("RAY_ADDRESS")
        environment = self._options.runtime_env
        try:
            if address is not None:
                _knock(address)
            ray.init(
                address=address or "auto",
                namespace=self._order.name,
                runtime_env=None if environment is None else {**environment},
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        # of whatever class: ConnectionError, RuntimeError, ValueError, and those of gRPC
        except Exception as error:
            raise UserError(ray_refusal(address, str(error))) from error
        return ray

    def _allocation(self, name: str, actor: _Actor) -> Allocation:
        ready, _ = self._ray.wait([actor.placed, actor.end], num_returns=2, timeout=0)
        if actor.placed not in ready:
            return Allocation(name, State.PENDING, why=self._why_waits(actor))
        try:
            if not actor.node:
                actor.node, node_id = self._ray.get(actor.placed)
                self._nodes.setdefault(actor.node, set()).add(node_id)
            if actor.end not in ready:
                return Allocation(name, State.RUNNING, actor.node)
            status = self._ray.get(actor.end)
        except self._ray.exceptions.ActorUnavailableError:
            # it may come back
            actor.end = actor.handle.end.remote()
            if not actor.node:
                actor.placed = actor.handle.where.remote()
            return Allocation(name, State.RUNNING, actor.node)
        except self._ray.exceptions.RayError as error:
            # the actors of its other machines, and what it would keep
            self.kill([name])
            why = _in_one_line(str(error))
            with contextlib.suppress(OSError), self._log(name).open("a", encoding="utf-8") as log:
                log.write(f"{why}\n")
            return Allocation(name, State.GONE, actor.node, why=why)
        # it would keep what it was given
        self.kill([name])
        why = f"its agent ended with status {status}"
        return Allocation(name, State.GONE, actor.node, why=why, has_ended=True)

    def _log(self, name: str) -> Path:
        return self._order.log / f"{name}.txt"

    def _why_waits(self, actor: _Actor) -> str:
        """What is missing for an actor; empty where it has not waited for long."""
        if time.monotonic() - actor.asked_at < _UNREMARKABLE_S:
            return ""
        order = self._order
        wanted = {"CPU": order.cpus, "GPU": order.gpus, "memory": order.memory_bytes or 0}
        parts = [format_count(order.cpus, "CPU")]
        parts += [format_count(order.gpus, "GPU")] if order.gpus else []
        parts += [format_size(order.memory_bytes)] if order.memory_bytes is not None else []
        share = format_list(parts, len(parts))
        nodes = [each["Resources"] for each in self._ray.nodes() if each["Alive"]]
        fit = sum(all(node.get(key, 0) >= count for key, count in wanted.items()) for node in nodes)
        none = "no node has" if order.nodes == 1 else f"no {order.nodes} nodes have"
        if fit >= order.nodes:
            return f"{none} {share} free"
        return f"{none} {share}, unless Ray's autoscaler adds one"


def _knock(address: str) -> None:
    """Connect where Ray is said to listen, and no more: Ray itself tries for minutes.

    Raises:
        OSError: nobody listens there.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_KNOCK_S):
            return


def ray_refusal(address: str | None, text: str) -> str:
    """Why there is no connection to Ray, and the remedy, in one line."""
    if found := _MISMATCH.search(text):
        theirs, their_python, ours, our_python = found.groups()
        return (
            f"--on ray: the cluster has Ray {theirs} and Python {their_python}, and this machine "
            f"Ray {ours} and Python {our_python}. Start search in the environment of the cluster."
        )
    where = "on this machine" if address is None else f"at {address}"
    return (
        f"--on ray: no Ray was found {where}: {_in_one_line(text)} Start search on a node of the "
        "cluster, or name its Client server: --on ray://HOST:10001."
    )


def _in_one_line(text: str) -> str:
    """The line of an error of Ray that says most: why an actor is dead, or the last one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = next((line for line in lines if line.startswith(_DEAD)), "")
    if told:
        return told.split(". ")[0].rstrip(".") + "."
    return (lines[-1] if lines else "it gave no reason").rstrip(".")[:300] + "."
