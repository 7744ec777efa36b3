"""Distributions of a study file as Optuna's."""

from __future__ import annotations

from optuna import distributions

from search.space.distributions import (
    Distribution,
    FloatRange,
    IntRange,
)


def to_optuna(distribution: Distribution) -> distributions.BaseDistribution:
    """Optuna's form of a distribution of the study file."""
    if isinstance(distribution, FloatRange):
        return distributions.FloatDistribution(
            distribution.low, distribution.high, log=distribution.log, step=distribution.step
        )
    if isinstance(distribution, IntRange):
        return distributions.IntDistribution(
            distribution.low, distribution.high, log=distribution.log, step=distribution.step
        )
    return distributions.CategoricalDistribution(distribution.values)
