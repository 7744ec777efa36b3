"""The Pareto front: the points that no other point dominates."""

from __future__ import annotations

from collections.abc import Sequence

from search.study_file.objective import sign_of


def front_of(points: Sequence[Sequence[float]], directions: Sequence[str]) -> list[int]:
    """Places of the points that no other dominates, in their order; equal points stay together.

    Args:
        points: values in the order of the objectives.
        directions: minimize or maximize for each objective.
    """
    signs = [sign_of(direction) for direction in directions]
    costs = [tuple(s * v for s, v in zip(signs, point, strict=True)) for point in points]
    front: list[int] = []
    # in this order a point can be dominated by those before it only
    for place in sorted(range(len(costs)), key=lambda place: costs[place]):
        if not any(_dominates(costs[better], costs[place]) for better in front):
            front.append(place)
    return sorted(front)


def _dominates(cost: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return cost != other and all(a <= b for a, b in zip(cost, other, strict=True))
