"""Actors of Ray on machines of their own: a placement group, which is given whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ray.util import placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from search.executors.engines.engine import Order


def spread_group(order: Order, elsewhere: Mapping[str, str]) -> Any:
    """Ask for the machines of one allocation, each with what the order says.

    Args:
        elsewhere: labels of the machines that it may be on; empty for any.
    """
    bundle: dict[str, float] = {"CPU": order.cpus}
    if order.gpus:
        bundle["GPU"] = order.gpus
    if order.memory_bytes is not None:
        bundle["memory"] = order.memory_bytes
    labels = [dict(elsewhere) for _ in range(order.nodes)] if elsewhere else None
    bundles = [dict(bundle) for _ in range(order.nodes)]
    return placement_group(bundles, strategy="STRICT_SPREAD", bundle_label_selector=labels)


def in_group(group: Any, number: int) -> dict[str, Any]:
    """The options of an actor on one of the machines of a group."""
    where = PlacementGroupSchedulingStrategy(
        placement_group=group, placement_group_bundle_index=number
    )
    return {"scheduling_strategy": where}
