"""The points that a study starts with, spread over its space.

A sampler that learns from the trials before knows nothing at first and draws at random, and random
points leave gaps and lie together. Those of a scrambled Sobol sequence do not, however many of them
there are; see https://doi.org/10.1016/S0885-064X(03)00046-7.
"""

from __future__ import annotations

import numpy as np

from search.sampling.prior_density import has_priors, point_at
from search.space.distributions import Params
from search.space.points import Points

# a stream of its own beside those of the trials
_STREAM = 2**32 - 1


def start_point(points: Points, seed: int, index: int) -> Params:
    """The point of a place in the sequence of a seed, with a value for each path of the space, the
    conditional ones too."""
    # it takes a second to import
    from scipy.stats import qmc

    if not points.ordered:
        return {}
    stream = np.random.default_rng(np.random.SeedSequence([seed, _STREAM]))
    # one more that chooses between priors and ranges
    more = 1 if has_priors(points.ordered) else 0
    sequence = qmc.Sobol(len(points.ordered) + more, scramble=True, seed=stream)
    if index:
        sequence.fast_forward(index)
    shares = [float(share) for share in sequence.random(1)[0]]
    if more:
        return point_at(points.ordered, shares)
    return {
        path: distribution.quantile(share)
        for (path, distribution), share in zip(points.ordered.items(), shares, strict=True)
    }
