"""The ends of all trials of a study, from their curves and from what like points came to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from search.sampling.schedulers.end_values import Curve, predict_ends
from search.sampling.schedulers.gaussian_process import GaussianProcess, fit_process
from search.sampling.schedulers.trial_curve import TrialCurve

# values are compared by the logarithm of how far they are from the best, in units of how far the
# median is; what is better than the best by a tenth of that is out of sight, what is worse by more
# than eight counts as eight
_OFFSET, _WORST = 0.1, 8.0
_SEED_SD = 0.14
_SHARED = 0.5
_OBSERVED = 128


@dataclass(frozen=True)
class Forecast:
    """What each trial comes to, in units of this study: small is good.

    numbers: the trials, all that have reported something.
    """

    numbers: list[int]
    places: Mapping[int, int]
    means: np.ndarray
    sds: np.ndarray
    process: GaussianProcess
    best: float
    scale: float

    def mean(self, number: int) -> float:
        """What a trial comes to; the worst where it has reported nothing."""
        return float(self.means[self.places[number]]) if number in self.places else math.inf

    def value(self, mean: float) -> float:
        """The value that trials report which is `mean` in these units."""
        return self.best + self.scale * (math.exp(mean) - _OFFSET)


def forecast(
    trials: Mapping[int, TrialCurve],
    columns: np.ndarray,
    *,
    last: float,
    epoch_steps: int,
    keeps_best: bool,
) -> Forecast:
    """The forecast of a study in which a trial has reported.

    Args:
        columns: the hyperparameter of each column of the trials' vectors.
        last: the step at which trials end, in epochs.
    """
    known = {number: each for number, each in trials.items() if each.steps}
    used = {number: each for number, each in known.items() if not each.is_failed} or known
    all_values = np.concatenate([np.array(each.values) for each in used.values()])
    best = float(all_values.min())
    scale = float(np.median([each.values[-1] for each in used.values()])) - best
    if scale <= 0:
        # one trial, or all alike
        scale = float(all_values.max()) - best or abs(best) or 1.0
    numbers = list(used)
    curves = [
        Curve(
            tuple(step / epoch_steps for step in each.steps),
            tuple(_told(np.array(each.values), best, scale).tolist()),
        )
        for each in used.values()
    ]
    ends = predict_ends(curves, last, keeps_best=keeps_best)
    means, variances = ends.means, ends.sds**2
    for place, each in enumerate(used.values()):
        if each.is_complete:
            means[place] = min(curves[place].values) if keeps_best else curves[place].values[-1]
            variances[place] = _SEED_SD**2
    points = np.array([each.vector for each in used.values()])
    failed = np.array([each.vector for number, each in known.items() if number not in used])
    process, shown = _process(points, means, variances, failed, columns)
    smooth, spread = process.predict(points)
    of_shown, spread_of_shown = process.observed()
    smooth[shown], spread[shown] = of_shown[: len(shown)], spread_of_shown[: len(shown)]
    # an end that is known is not predicted
    ended = np.array([each.is_complete for each in used.values()])
    means = np.where(ended, means, smooth)
    # curves are continued alike, and so are they wrong: other trials do not make that smaller
    sds = np.sqrt(np.where(ended, 1e-4, np.maximum(spread, _SHARED * variances)))
    places = {number: place for place, number in enumerate(numbers)}
    return Forecast(numbers, places, means, sds, process, best, scale)


def expected_improvement(goal: float, means: np.ndarray, sds: np.ndarray) -> np.ndarray:
    """How much better than `goal` normal variables are to be expected, where they are better:
    Jones, Schonlau and Welch, Efficient Global Optimization, 1998."""
    at = (goal - means) / sds
    density = np.exp(-0.5 * at**2) / math.sqrt(2 * math.pi)
    return np.asarray((goal - means) * ndtr(at) + sds * density)


def _told(values: np.ndarray, best: float, scale: float) -> np.ndarray:
    return np.asarray(np.log(_OFFSET + np.minimum(_WORST, (values - best) / scale)))


def _process(
    points: np.ndarray,
    means: np.ndarray,
    variances: np.ndarray,
    failed: np.ndarray,
    columns: np.ndarray,
) -> tuple[GaussianProcess, np.ndarray]:
    """The process of the best and the newest trials, and the places of these; those that failed
    are as bad as the worst."""
    places = np.arange(len(means))
    if len(places) > _OBSERVED:
        half = _OBSERVED // 2
        best = set(np.argsort(means, kind="stable")[:half].tolist())
        rest = [place for place in places.tolist() if place not in best]
        places = np.array(sorted([*best, *rest[-half:]]))
    # lengths are fitted to the first ones
    order = places[np.argsort(means[places], kind="stable")]
    shown, told, noise = points[order], means[order], variances[order]
    if len(failed):
        few = failed[-_OBSERVED // 4 :]
        shown = np.concatenate([shown, few])
        told = np.concatenate([told, np.full(len(few), told.max())])
        noise = np.concatenate([noise, np.full(len(few), 0.1)])
    return fit_process(shown, told, noise, columns), order
