"""What is left to gain in a study: the largest expected improvement on its best trial, of those
that may still go on and of those that may begin.

In values and not in the logarithm by which trials are compared, since it is set against noise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr

from search.sampling.schedulers.forecast import Forecast
from search.study_file.stopping_rules import Gain

# points that might begin are as many again near the best trials, and so far from them
_LEADERS, _NEAR = 8, 0.1


def left_to_gain(
    seen: Forecast, complete: Sequence[int], open_ones: Sequence[int], spread: np.ndarray
) -> Gain:
    """The most that is left to gain.

    Args:
        complete: numbers of the trials that were trained to their end, at least one.
        open_ones: of those that run or wait.
        spread: the vectors of points that may begin, (points, columns); empty where none may.
    """
    goal = min(seen.mean(number) for number in complete)
    places = [seen.places[number] for number in open_ones if number in seen.places]
    means, sds = seen.means[places], seen.sds[places]
    if len(spread):
        new_means, variances = seen.process.predict(_with_near_ones(seen, spread))
        means = np.concatenate([means, new_means])
        sds = np.concatenate([sds, np.sqrt(variances)])
    most = float(_improvements(goal, means, sds).max(initial=0.0))
    noise = seen.noise * float(np.exp(goal))
    return Gain(most * seen.scale, noise * seen.scale)


def _with_near_ones(seen: Forecast, spread: np.ndarray) -> np.ndarray:
    """The points, and each drawn towards one of the best trials until it is near that."""
    # the process has its observations with the best first
    leaders = seen.process.points[: min(_LEADERS, len(seen.process.points))]
    near = leaders[np.arange(len(spread)) % len(leaders)]
    return np.concatenate([spread, near + _NEAR * (spread - near)])


def _improvements(goal: float, means: np.ndarray, sds: np.ndarray) -> np.ndarray:
    """How much smaller than exp(goal) the exponentials of normal variables are to be expected,
    where they are smaller: as in the formula of Black and Scholes."""
    at = (goal - means) / sds
    return np.asarray(np.exp(goal) * ndtr(at) - np.exp(means + sds**2 / 2) * ndtr(at - sds))
