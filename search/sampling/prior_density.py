"""The densities of user priors, and points drawn from them.

A range is looked at by its places from 0 to 1, logarithmic where it is sampled so: there a prior is
a normal density around its center, cut at the ends. Each parameter has its own, independent of the
others'.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from statistics import NormalDist
from typing import Any

import numpy as np

from search.space.distributions import Categorical, Distribution, Params, Scalar, Space, is_same
from search.space.priors import SHARES, SPREADS, Prior

# of the points drawn before anything is known, the part that is drawn from the priors
_FROM_PRIORS = 0.5
# what a density has of the uniform one, so that no place is out of reach if the prior is wrong
_UNIFORM = 0.1


def has_priors(space: Space) -> bool:
    """Tell whether a parameter of a space has a prior."""
    return any(each.prior is not None for each in space.values())


def log_density(space: Space, samples: Mapping[str, np.ndarray]) -> np.ndarray:
    """The logarithm of the priors' joint density at some points, but for a constant.

    Args:
        samples: by path, values as Optuna keeps them: of a choice the index, `(points,) float64`.
    """
    total = np.zeros(next(iter(samples.values())).shape)
    for path, values in samples.items():
        distribution = space[path]
        if distribution.prior is not None:
            total += np.log(_density(distribution, distribution.prior, values))
    return total


def _density(distribution: Distribution, prior: Prior, values: np.ndarray) -> np.ndarray:
    if isinstance(distribution, Categorical):
        shares = np.array(_shares(distribution, prior))
        chosen: np.ndarray = shares[values.astype(int)]
        return chosen
    normal = _normal(distribution, prior)
    distance = (range_place(distribution, values) - normal.mean) / normal.stdev
    peak = normal.pdf(normal.mean) / (normal.cdf(1.0) - normal.cdf(0.0))
    bell: np.ndarray = peak * np.exp(-(distance**2) / 2)
    return _UNIFORM + (1 - _UNIFORM) * bell


def point_at(space: Space, shares: Sequence[float]) -> Params:
    """The point of a place in the unit cube, with a value for each path of the space.

    Args:
        shares: one for each path, uniform from 0 to 1, and a last one that says whether the values
            are drawn from the priors or from the whole ranges.
    """
    *of_paths, choice = shares
    is_drawn_from_priors = choice < _FROM_PRIORS
    point: Params = {}
    for (path, distribution), share in zip(space.items(), of_paths, strict=True):
        prior = distribution.prior if is_drawn_from_priors else None
        point[path] = distribution.quantile(share)
        if prior is not None:
            point[path] = _quantile(distribution, prior, share)
    return point


def _quantile(distribution: Distribution, prior: Prior, share: float) -> Scalar:
    """The value below which `share` of the prior lies."""
    if isinstance(distribution, Categorical):
        sums = accumulate(_shares(distribution, prior))
        values = zip(distribution.values, sums, strict=True)
        return next((value for value, below in values if share < below), distribution.values[-1])
    density = _normal(distribution, prior)
    low, high = density.cdf(0.0), density.cdf(1.0)
    place = density.inv_cdf(low + min(max(share, 1e-9), 1 - 1e-9) * (high - low))
    return distribution.quantile(min(1.0, max(0.0, place)))


def _normal(distribution: Distribution, prior: Prior) -> NormalDist:
    """The prior of a range before it is cut at the ends."""
    return NormalDist(float(range_place(distribution, prior.center)), SPREADS[prior.confidence])


def _shares(distribution: Categorical, prior: Prior) -> list[float]:
    """The probability of each value of a choice."""
    moved, count = SHARES[prior.confidence], len(distribution.values)
    return [
        (1 - moved) / count + (moved if is_same(value, prior.center) else 0.0)
        for value in distribution.values
    ]


def range_place(distribution: Any, value: Any) -> Any:
    """The place of a value, or of an array of them, in its range: the inverse of `quantile`."""
    if distribution.log:
        half = 0.5 if distribution.kind == "int" else 0.0
        first, last = np.log(distribution.low - half), np.log(distribution.high + half)
        return (np.log(value) - first) / (last - first)
    if distribution.step is None:
        return (value - distribution.low) / (distribution.high - distribution.low)
    return ((value - distribution.low) / distribution.step + 0.5) / distribution.count
