"""Points of a space as vectors in the unit cube."""

from __future__ import annotations

import math
from random import Random

import numpy as np

from search.space.distributions import Categorical, Distribution, Params, Scalar, Space, is_same
from search.space.points import Points


class UnitPoints:
    """The vectors of the points of a space.

    A choice has a column for each value, a conditional parameter one that tells whether it is
    there; all columns of a parameter count as one hyperparameter.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        widths = [_width(each) for each in space.values()]
        self.columns = np.repeat(np.arange(len(widths)), widths)

    def vector(self, params: Params) -> np.ndarray:
        """(columns,)"""
        found: list[float] = []
        for path, distribution in self._space.items():
            is_there = path in params
            if isinstance(distribution, Categorical):
                value = params.get(path)
                found += [float(is_there and is_same(value, each)) for each in distribution.values]
            else:
                found.append(place(distribution, params[path]) if is_there else 0.5)
            if distribution.when:
                found.append(float(is_there))
        return np.array(found)

    def spread(self, count: int) -> np.ndarray:
        """The vectors of some random points of the space, which are always the same: (count,
        columns)."""
        random, points = Random(0), Points(self._space)
        draws = (points.complete({}, lambda each: each.draw(random)) for _ in range(count))
        return np.array([self.vector(params) for params in draws])


def place(distribution: Distribution, value: Scalar) -> float:
    """The share of a range that lies below a value, from 0 to 1."""
    assert not isinstance(distribution, Categorical)
    assert isinstance(value, int | float)
    low, high = distribution.low, distribution.high
    if high == low:
        return 0.5
    if distribution.log:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def _width(distribution: Distribution) -> int:
    values = len(distribution.values) if isinstance(distribution, Categorical) else 1
    return values + bool(distribution.when)
