"""Means over seeds, how far they can be trusted, and which of them can be told apart.

Pure numbers. Welch's t-test, which needs no equal variances and no equal numbers of seeds (one may
have failed), is what Colas et al. found to keep its promised rate of false alarms with few seeds:
"A Hitchhiker's Guide to Statistical Comparisons of Reinforcement Learning Algorithms", 2019,
https://arxiv.org/abs/1904.06979. Which mean is the best is seen from the same values, so every pair
counts as tested: Holm's correction ("A Simple Sequentially Rejective Multiple Test Procedure",
Scandinavian Journal of Statistics 6, 1979) is over all pairs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, stdev

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Spread:
    """The values of one finalist, summed up; NaN where there are too few for a figure."""

    mean: float
    deviation: float
    """Standard deviation."""
    low: float
    """Lower end of the confidence interval of the mean, by Student's t."""
    high: float


@dataclass(frozen=True)
class Comparison:
    """The finalist of the best mean and another one."""

    best: int
    other: int
    p: float
    """Of Welch's test after Holm's correction; NaN where a finalist has fewer than two values."""

    @property
    def is_told_apart(self) -> bool:
        return self.p < 1 - CONFIDENCE


def spread_of(values: Sequence[float]) -> Spread:
    """The spread of the values of one finalist."""
    from scipy.stats import t

    if len(values) < 2:
        mean = values[0] if values else math.nan
        return Spread(mean, math.nan, math.nan, math.nan)
    mean, deviation = fmean(values), stdev(values)
    quantile = float(t.ppf((1 + CONFIDENCE) / 2, len(values) - 1))
    half = quantile * deviation / math.sqrt(len(values))
    return Spread(mean, deviation, mean - half, mean + half)


def compare_finalists(samples: Mapping[int, Sequence[float]]) -> list[Comparison]:
    """The first of `samples` with each of the others.

    Args:
        samples: the values of each finalist, the best mean first.
    """
    pairs = list(combinations(samples, 2))
    raw = {(one, other): _welch(samples[one], samples[other]) for one, other in pairs}
    corrected = _holm(raw)
    return [Comparison(*pair, p=corrected[pair]) for pair in pairs if pair[0] == pairs[0][0]]


def _welch(one: Sequence[float], other: Sequence[float]) -> float:
    from scipy.stats import ttest_ind

    if len(one) < 2 or len(other) < 2:
        return math.nan
    if stdev(one) == stdev(other) == 0.0:
        # seeds change nothing: the values are what they are
        return float(one[0] == other[0])
    return float(ttest_ind(one, other, equal_var=False).pvalue)


def _holm(raw: Mapping[tuple[int, int], float]) -> dict[tuple[int, int], float]:
    """Each p-value times the number of those not smaller, never below that of a smaller one."""
    corrected = dict(raw)
    tested = sorted((p, pair) for pair, p in raw.items() if not math.isnan(p))
    least = 0.0
    for rank, (p, pair) in enumerate(tested):
        least = max(least, min(1.0, p * (len(tested) - rank)))
        corrected[pair] = least
    return corrected
