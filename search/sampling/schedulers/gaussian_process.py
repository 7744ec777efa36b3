"""A Gaussian process over the points of a space, whose observations differ in their noise.

Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, chapters 2, 4 and 5: a Matern
kernel of 5/2 with a length for each hyperparameter, which together with the part that no
hyperparameter explains make the observations most likely.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve, cholesky, lapack, solve_triangular

_LENGTHS = (0.15, 0.3, 0.6, 1.2, 3.0)
_NUGGETS = (0.003, 0.03, 0.3)
_SWEEPS = 2
# those that lengths are fitted to, which costs most
_FITTED = 64


@dataclass(frozen=True)
class GaussianProcess:
    """A process with its observations.

    points: (observations, columns).
    columns: the hyperparameter of each column.
    """

    points: np.ndarray
    columns: np.ndarray
    lengths: np.ndarray
    mean: float
    scale: float
    nugget: float
    factor: np.ndarray
    weights: np.ndarray

    def observed(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance of what was observed, without its noise: each with the part of its own
        that hyperparameters do not explain."""
        cross = _kernel(_distances(self.points, self.points, self.columns), self.lengths)
        return self._given(cross + self.nugget * np.eye(len(cross)))

    def predict(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance of a trial of its own at points, (points, columns)."""
        cross = _kernel(_distances(points, self.points, self.columns), self.lengths)
        return self._given(cross)

    def _given(self, cross: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        means = self.mean + self.scale * (cross @ self.weights)
        solved = solve_triangular(self.factor, cross.T, lower=True)
        variances = 1 + self.nugget - (solved**2).sum(axis=0)
        return means, self.scale**2 * np.maximum(variances, 1e-6)


def fit_process(
    points: np.ndarray, values: np.ndarray, variances: np.ndarray, columns: np.ndarray
) -> GaussianProcess:
    """The process of some observations.

    Args:
        points: (observations, columns), each column from 0 to 1.
        values: (observations,).
        variances: (observations,), of their noise.
        columns: (columns,), the hyperparameter of each, from 0.
    """
    mean, scale = float(values.mean()), max(float(values.std()), 1e-3)
    told, noise = (values - mean) / scale, variances / scale**2
    some = slice(0, _FITTED)
    lengths, nugget = _most_likely(
        _distances(points[some], points[some], columns), told[some], noise[some]
    )
    kernel = _kernel(_distances(points, points, columns), lengths)
    factor = cholesky(kernel + np.diag(noise + nugget), lower=True)
    weights = cho_solve((factor, True), told)
    return GaussianProcess(points, columns, lengths, mean, scale, nugget, factor, weights)


def _most_likely(
    distances: np.ndarray, values: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, float]:
    """Lengths and nugget, one after the other in turns from a start that is always the same."""
    lengths, nugget = np.full(len(distances), 0.6), 0.1
    best = _likelihood(distances, values, noise, lengths, nugget)
    for _ in range(_SWEEPS):
        for place in range(len(lengths)):
            for length in _LENGTHS:
                if length == lengths[place]:
                    continue
                tried = lengths.copy()
                tried[place] = length
                found = _likelihood(distances, values, noise, tried, nugget)
                if found > best:
                    best, lengths = found, tried
        for each in _NUGGETS:
            found = _likelihood(distances, values, noise, lengths, each)
            if found > best:
                best, nugget = found, each
    return lengths, nugget


def _likelihood(
    distances: np.ndarray,
    values: np.ndarray,
    noise: np.ndarray,
    lengths: np.ndarray,
    nugget: float,
) -> float:
    """The logarithm of the marginal likelihood, with a prior for lengths about 1."""
    kernel = _kernel(distances, lengths)
    kernel.flat[:: len(kernel) + 1] += noise + nugget
    # without the checks of the functions around these, which cost more than the work
    factor, _ = lapack.dpotrf(kernel, lower=True, overwrite_a=True)
    solved, _ = lapack.dtrtrs(factor, values, lower=True)
    prior = -0.5 * float((np.log(lengths / 0.8) ** 2).sum())
    return float(-0.5 * solved @ solved - np.log(np.diag(factor)).sum()) + prior


def _distances(one: np.ndarray, other: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(hyperparameters, points of one, points of the other), squared."""
    squares = (one[:, None, :] - other[None, :, :]) ** 2
    count = int(columns.max()) + 1 if len(columns) else 0
    found = np.zeros((count, len(one), len(other)))
    for column, place in enumerate(columns):
        found[place] += squares[:, :, column]
    return found


def _kernel(distances: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Matern 5/2 with variance 1."""
    scaled = np.sqrt(5 * np.tensordot(1 / lengths**2, distances, axes=1))
    return np.asarray((1 + scaled + scaled**2 / 3) * np.exp(-scaled))
