"""The calls to the engine of a bridge, by its name."""

from __future__ import annotations

from pathlib import Path

from search.agent_messages import OpenBridge
from search.executors.engines.engine import Order
from search.executors.engines.named_engine import make_engine
from search.executors.engines.ray_driver import RayDriver, RayOptions
from search.executors.remote.actor_calls import ActorCalls
from search.executors.remote.cluster_calls import ClusterCalls
from search.executors.remote.engine_calls import EngineCalls


def calls_of(given: OpenBridge) -> ClusterCalls:
    """The calls of a bridge: an engine is told by commands, or it is Ray.

    Raises:
        UserError: the engine cannot be used from this machine.
    """
    if given.engine != "ray":
        return EngineCalls(make_engine(given.engine, given.options), given)
    order = Order(
        name=given.name,
        command=["search.executors.remote.child_agent"],
        folder=Path.cwd(),
        log=Path(given.agents),
        cpus=given.cpus,
        gpus=given.gpus,
        memory_bytes=given.memory_bytes,
    )
    return ActorCalls(RayDriver(RayOptions(**given.options), order))
