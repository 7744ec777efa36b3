"""The calls to the engine of a bridge, by its name."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from search.agent_messages import OpenBridge
from search.executors.engines.engine import Order
from search.executors.engines.found_slurm import make_slurm, make_steps
from search.executors.engines.ray_driver import RayDriver, RayOptions
from search.executors.remote.actor_calls import ActorCalls
from search.executors.remote.cluster_calls import ClusterCalls
from search.executors.remote.engine_calls import EngineCalls
from search.executors.remote.step_calls import StepCalls

_ROOM = "search.executors.remote"


def calls_of(given: OpenBridge) -> ClusterCalls:
    """The calls of a bridge: an engine is told by commands, or it is Ray.

    Raises:
        UserError: the engine cannot be used from this machine.
    """
    if given.engine == "ray":
        order = _order(given, [f"{_ROOM}.child_agent"])
        return ActorCalls(RayDriver(RayOptions(**given.options), order))
    module = "agent" if given.nodes == 1 else "first_agent"
    order = _order(given, [sys.executable, "-m", f"{_ROOM}.{module}", given.agents])
    if given.within is not None:
        return StepCalls(make_steps(given.within, given.options), order)
    return EngineCalls(make_slurm(given.options), given.engine, order)


def _order(given: OpenBridge, command: Sequence[str]) -> Order:
    """What every allocation is to be, with the command of its agent as the engine takes it."""
    return Order(
        name=given.name,
        command=command,
        folder=Path.cwd(),
        log=Path(given.agents),
        cpus=given.cpus,
        gpus=given.gpus,
        memory_bytes=given.memory_bytes,
        nodes=given.nodes,
        shares_log=given.shares_disk,
    )
