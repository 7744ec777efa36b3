"""The ends of all trials of a study, from their curves and from what like points came to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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
# of an end as another training would have it, of one that is known, and of one that failed
_SEED_SD, _KNOWN_SD, _FAILED_SD = 0.14, 0.01, 0.3
# the part of what a curve leaves open that like points do not tell
_SHARED = 0.5
# the trials that the process sees at most
_OBSERVED = 128


@dataclass(frozen=True)
class Forecast:
    """What each trial comes to, in units of this study: small is good.

    places: those in `means` and `sds` of the trials that have reported, by number.
    """

    places: Mapping[int, int]
    means: np.ndarray
    sds: np.ndarray
    best: float
    scale: float
    noise: float
    process: GaussianProcess

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
    failed = [each.vector for number, each in known.items() if number not in used]
    best, scale = _units(list(used.values()))
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
    corrected, spread, process = _corrected(points, means, variances, np.array(failed), columns)
    # an end that is known is not predicted
    ended = np.array([each.is_complete for each in used.values()])
    means = np.where(ended, means, corrected)
    # curves are continued alike, and so are they wrong: other trials do not make that smaller
    sds = np.sqrt(np.where(ended, _KNOWN_SD**2, np.maximum(spread, _SHARED * variances)))
    places = {number: place for place, number in enumerate(used)}
    return Forecast(places, means, sds, best, scale, ends.noise, process)


def expected_improvement(goal: float, means: np.ndarray, sds: np.ndarray) -> np.ndarray:
    """How much better than `goal` normal variables are to be expected, where they are better:
    Jones, Schonlau and Welch, Efficient Global Optimization, 1998."""
    at = (goal - means) / sds
    density = np.exp(-0.5 * at**2) / math.sqrt(2 * math.pi)
    return np.asarray((goal - means) * ndtr(at) + sds * density)


def _told(values: np.ndarray, best: float, scale: float) -> np.ndarray:
    return np.asarray(np.log(_OFFSET + np.minimum(_WORST, (values - best) / scale)))


def _units(trials: Sequence[TrialCurve]) -> tuple[float, float]:
    """The best value of all, and how far from it the median trial is now."""
    values = [value for each in trials for value in each.values]
    best = min(values)
    scale = float(np.median([each.values[-1] for each in trials])) - best
    if scale <= 0:
        # one trial, or all alike
        scale = max(values) - best or abs(best) or 1.0
    return best, scale


def _corrected(
    points: np.ndarray,
    means: np.ndarray,
    variances: np.ndarray,
    failed: np.ndarray,
    columns: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, GaussianProcess]:
    """Means and variances of all trials by what like points come to: the process has seen the best
    and the newest of them, and those that failed as bad as the worst."""
    seen = _best_and_newest(means)
    shown, told, noise = points[seen], means[seen], variances[seen]
    if len(failed):
        few = failed[-_OBSERVED // 4 :]
        shown = np.concatenate([shown, few])
        told = np.concatenate([told, np.full(len(few), told.max())])
        noise = np.concatenate([noise, np.full(len(few), _FAILED_SD**2)])
    process = fit_process(shown, told, noise, columns)
    corrected, spread = process.predict(points)
    of_seen, spread_of_seen = process.observed()
    corrected[seen], spread[seen] = of_seen[: len(seen)], spread_of_seen[: len(seen)]
    return corrected, spread, process


def _best_and_newest(means: np.ndarray) -> np.ndarray:
    """The places of `_OBSERVED` trials, the best first, to which lengths are fitted."""
    places = list(range(len(means)))
    if len(places) > _OBSERVED:
        half = _OBSERVED // 2
        best = np.argsort(means, kind="stable")[:half].tolist()
        places = sorted({*best, *[each for each in places if each not in set(best)][-half:]})
    return np.array(sorted(places, key=lambda place: float(means[place])))
