"""End values of learning curves that are known in part.

All curves of a study are one hierarchical linear model: a curve is a + b f(t), with functions f
that are 0 at the end, so that a is its end value. The distribution of (a, b) and the noise are
those of the study, by expectation maximization: Laird and Ware, Random-Effects Models for
Longitudinal Data, Biometrics 1982. So each curve is continued as those of the same study were.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

_TURNS = 12
# curves of fewer points tell nothing of how curves go on, and learning from them takes more turns
_TELLING = 3
# what is believed of a study before any curve is known, and how many curves that counts
_END_SD, _SHAPE_SD, _NOISE_SD, _WEIGHT = 1.0, 0.5, 0.1, 4.0
_LEAST_NOISE = 0.02
_POINTS = 64


@dataclass(frozen=True)
class Curve:
    """A curve as far as it is known, not empty."""

    steps: tuple[float, ...]
    """In epochs, rising."""
    values: tuple[float, ...]
    """To be minimized, in units in which the trials of the study differ by about 1."""


@dataclass(frozen=True)
class EndValues:
    """What is known of the end values of some curves."""

    means: np.ndarray
    sds: np.ndarray
    noise: float
    """How far a value is from the smooth curve that it belongs to, a standard deviation."""


def predict_ends(curves: Sequence[Curve], last: float, *, keeps_best: bool) -> EndValues:
    """The end values of all curves.

    Args:
        last: the step at which they end, in epochs.
        keeps_best: the best value of a curve is its end value, not the last.
    """
    groups = _grouped(curves)
    design = {steps: _functions(np.array(steps), last) for steps in groups}
    found = {
        steps: np.array([_thinned(_running(curves[at], keeps_best)) for at in places]).T
        for steps, places in groups.items()
    }
    size = next(iter(design.values())).shape[1]
    mean = np.zeros(size)
    spread = np.diag([_END_SD**2, *[_SHAPE_SD**2] * (size - 1)])
    prior, noise = spread.copy(), _NOISE_SD**2
    mean[0] = float(np.mean([values[-1].mean() for values in found.values()]))
    telling = {steps: each for steps, each in design.items() if len(steps) >= _TELLING}
    if sum(found[steps].shape[1] for steps in telling) < _TELLING:
        telling = design
    for _ in range(_TURNS):
        posteriors = _posteriors(telling, found, mean, spread, noise)
        mean, spread, noise = _fitted(telling, found, posteriors, prior)
    means, sds = np.zeros(len(curves)), np.zeros(len(curves))
    for steps, (covariance, coefficients) in _posteriors(
        design, found, mean, spread, noise
    ).items():
        places = groups[steps]
        means[places] = coefficients[0]
        sds[places] = np.sqrt(max(covariance[0, 0], 0.0) + noise)
    if keeps_best:
        now = np.array([min(each.values) for each in curves])
        means, sds = _lower_of(now, means, sds)
    return EndValues(means, sds, float(np.sqrt(noise)))


def _fitted(
    design: dict[tuple[float, ...], np.ndarray],
    found: dict[tuple[float, ...], np.ndarray],
    posteriors: dict[tuple[float, ...], tuple[np.ndarray, np.ndarray]],
    prior: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, float]:
    """Mean and covariance of the coefficients, and the variance of the noise, that make the curves
    most likely; with a prior that counts as many curves as `_WEIGHT`."""
    count = sum(coefficients.shape[1] for _, coefficients in posteriors.values())
    total = sum(coefficients.sum(axis=1) for _, coefficients in posteriors.values())
    mean = np.asarray(total) / (count + 1e-9)
    # functions of time are believed to be 0 until curves tell
    mean[1:] *= count / (count + _WEIGHT)
    spread = _WEIGHT * prior
    squares, points = _WEIGHT * _NOISE_SD**2, _WEIGHT
    for steps, (covariance, coefficients) in posteriors.items():
        number = coefficients.shape[1]
        off = coefficients - mean[:, None]
        spread = spread + number * covariance + off @ off.T
        functions = design[steps]
        rest = found[steps] - functions @ coefficients
        spare = number * float(np.trace(functions @ covariance @ functions.T))
        squares += float((rest**2).sum()) + spare
        points += rest.size
    return mean, spread / (count + _WEIGHT), max(squares / points, _LEAST_NOISE**2)


def _posteriors(
    design: dict[tuple[float, ...], np.ndarray],
    found: dict[tuple[float, ...], np.ndarray],
    mean: np.ndarray,
    spread: np.ndarray,
    noise: float,
) -> dict[tuple[float, ...], tuple[np.ndarray, np.ndarray]]:
    """(covariance, (coefficients, curves)) of the curves that are known at the same steps."""
    precision = np.linalg.inv(spread)
    pulled = precision @ mean
    posteriors = {}
    for steps, functions in design.items():
        covariance = np.linalg.inv(precision + functions.T @ functions / noise)
        seen = functions.T @ found[steps] / noise + pulled[:, None]
        posteriors[steps] = covariance, covariance @ seen
    return posteriors


def _functions(steps: np.ndarray, last: float) -> np.ndarray:
    """(steps, 1 and the functions of time), each 0 at the end."""
    last = max(last, 2.0)

    def of(t: np.ndarray) -> np.ndarray:
        t = np.maximum(t, 0.25)
        powers = [t**-power for power in (0.5, 1.0, 2.0)]
        decays = [np.exp(-t * rate / last) for rate in (2.0, 6.0, 16.0)]
        return np.stack([*powers, *decays, np.log(t) / np.log(last), t / last], axis=1)

    values = of(steps) - of(np.array([last]))
    return np.concatenate([np.ones((len(steps), 1)), values], axis=1)


def _grouped(curves: Sequence[Curve]) -> dict[tuple[float, ...], list[int]]:
    """The places of the curves that are known at the same steps."""
    groups: dict[tuple[float, ...], list[int]] = defaultdict(list)
    for place, curve in enumerate(curves):
        groups[tuple(_thinned(np.array(curve.steps)).tolist())].append(place)
    return groups


def _running(curve: Curve, keeps_best: bool) -> np.ndarray:
    values = np.array(curve.values)
    return np.minimum.accumulate(values) if keeps_best else values


def _thinned(values: np.ndarray) -> np.ndarray:
    """At most `_POINTS` of a curve, evenly, the last among them."""
    if len(values) <= _POINTS:
        return values
    return np.asarray(values[np.linspace(0, len(values) - 1, _POINTS).round().astype(int)])


def _lower_of(now: np.ndarray, means: np.ndarray, sds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the lower of a number and a normal variable."""
    at = (now - means) / sds
    below = ndtr(at)
    density = np.exp(-0.5 * at**2) / np.sqrt(2 * np.pi)
    lower = means * below + now * (1 - below) - sds * density
    square = (means**2 + sds**2) * below + now**2 * (1 - below) - sds * (means + now) * density
    return lower, np.sqrt(np.maximum(square - lower**2, 1e-6))
