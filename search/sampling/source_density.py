"""Where the good trials of an earlier study lie, against where its others do.

Two Parzen estimators, as TPE has them for its own trials (Bergstra et al. 2011,
https://papers.nips.cc/paper/4443), of a kernel for each parameter: a ratio of densities of ranks
has no scale, so that it can stand beside that of the study itself. A parameter that a trial did
not have says nothing about it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from search.sampling.prior_density import range_place
from search.space.distributions import Categorical, Distribution, Params, Space, is_same
from search.store.warm_start import WarmSource, WarmTrial

# trials up to this rank are the good ones
_GOOD = 0.25
# what a density has of the uniform one: nothing that an earlier study says is certain here
_UNIFORM = 0.1
# no kernel is narrower, as a part of its range, nor made from fewer trials than two
_NARROWEST = 0.05
_LONE = 0.2
# of a choice, the part of a kernel that goes to all values alike
_OTHER_VALUES = 0.3


class SourceDensity:
    """The densities of an earlier study.

    Args:
        space: of the study that learns from it.
    """

    def __init__(self, source: WarmSource, space: Space) -> None:
        good = [each for each in source.trials if each.rank <= _GOOD]
        others = [each for each in source.trials if each.rank > _GOOD]
        # where all are of one rank nothing was better than anything
        self._is_blind = not good or not others
        self._space = space
        self._good = _Parzen(good, space)
        self._others = _Parzen(others, space)

    def log_ratio(self, samples: Mapping[str, np.ndarray]) -> np.ndarray:
        """The logarithm of good over others at some points; larger is better.

        Args:
            samples: by path, values as Optuna keeps them, of a choice the index: `(points,)
                float64`, NaN where a point has none.
        """
        if self._is_blind:
            return np.zeros(next(iter(samples.values())).shape)
        places = {path: _places(self._space[path], values) for path, values in samples.items()}
        ratio: np.ndarray = self._good.log_density(places) - self._others.log_density(places)
        return ratio

    def log_ratios(self, points: Sequence[Params]) -> np.ndarray:
        """The same of points by their parameters, `(points,)`."""
        columns = {path: _column(each, path, points) for path, each in self._space.items()}
        return self.log_ratio(columns)


class _Parzen:
    """A mixture of kernels, one around each of some trials."""

    def __init__(self, trials: Sequence[WarmTrial], space: Space) -> None:
        self._space = space
        points = [each.params for each in trials]
        self._count = len(points)
        self._centers = {
            path: _places(each, _column(each, path, points)) for path, each in space.items()
        }
        shrinking = max(1, self._count) ** (-1 / (len(space) + 4))
        self._widths = {
            path: max(_NARROWEST, _spread(each) * shrinking) for path, each in self._centers.items()
        }
        # the same for every point that is asked for
        self._areas = {
            path: _area(self._centers[path], self._widths[path])
            for path, each in space.items()
            if not isinstance(each, Categorical)
        }

    def log_density(self, places: Mapping[str, np.ndarray]) -> np.ndarray:
        """`(points,)`, but for a constant."""
        count = next(iter(places.values())).size
        product = np.ones((count, self._count))
        for path, values in places.items():
            product *= self._kernel(path, values[:, None], self._centers[path][None, :])
        mixture: np.ndarray = np.log(_UNIFORM + (1 - _UNIFORM) * product.mean(axis=1))
        return mixture

    def _kernel(self, path: str, values: np.ndarray, centers: np.ndarray) -> np.ndarray:
        """(points, trials), with a mean of 1 over the range or the values of a choice."""
        distribution = self._space[path]
        if isinstance(distribution, Categorical):
            same = (1 - _OTHER_VALUES) * len(distribution.values)
            heights = _OTHER_VALUES + np.where(values == centers, same, 0.0)
        else:
            distances = (values - centers) / self._widths[path]
            heights = np.exp(-(distances**2) / 2) / self._areas[path][None, :]
        return np.where(np.isnan(values) | np.isnan(centers), 1.0, heights)


def _spread(places: np.ndarray) -> float:
    known = places[~np.isnan(places)]
    return float(known.std()) if known.size > 1 else _LONE


def _area(centers: np.ndarray, width: float) -> np.ndarray:
    """What kernels of height 1 hold within the range, `(trials,)`."""
    within = _below((1 - centers) / width) - _below(-centers / width)
    area: np.ndarray = width * math.sqrt(2 * math.pi) * within
    return area


def _below(values: np.ndarray) -> np.ndarray:
    """The share of a standard normal distribution below some values."""
    shares = [0.5 * (1 + math.erf(value / math.sqrt(2))) for value in values.flat]
    return np.array(shares).reshape(values.shape)


def _column(distribution: Distribution, path: str, points: Sequence[Params]) -> np.ndarray:
    """The values of a path as Optuna keeps them, `(points,)`; NaN where a point has none."""
    column = np.full(len(points), np.nan)
    for place, params in enumerate(points):
        if path not in params:
            continue
        value = params[path]
        if isinstance(distribution, Categorical):
            known = enumerate(distribution.values)
            column[place] = next((at for at, each in known if is_same(each, value)), np.nan)
        elif isinstance(value, int | float):
            column[place] = value
    return column


def _places(distribution: Distribution, values: np.ndarray) -> np.ndarray:
    """From 0 to 1 in a range, the index in a choice."""
    if isinstance(distribution, Categorical):
        return values
    found: np.ndarray = range_place(distribution, values)
    return found
