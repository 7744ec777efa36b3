"""How much of the metric's variation each parameter explains, by Optuna's fANOVA."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from search.engine.records import TrialRecord
from search.report.dimensions import Dimension
from search.study.space import Choice, IntRange

MIN_TRIALS = 5
_SEED = 0


def param_importances(
    trials: Sequence[TrialRecord], dimensions: Sequence[Dimension], direction: str
) -> dict[str, float]:
    """Shares that sum to 1, largest first; fANOVA (Hutter et al. 2014,
    https://proceedings.mlr.press/v32/hutter14.html).

    Args:
        trials: complete trials with finite values.
        dimensions: the searched values.
        direction: minimize or maximize.

    Returns:
        path -> share; empty with fewer than `MIN_TRIALS` trials or without variation.
    """
    with _quiet_optuna():
        named = {dim.label: dim for dim in dimensions if _is_usable(dim, trials)}
        frozen = [frozen_trial for trial in trials if (frozen_trial := _frozen(trial, named))]
        if len(frozen) < MIN_TRIALS or len({t.value for t in frozen}) < 2 or not named:
            return {}
        study = optuna.create_study(
            study_name="report", direction=optuna.study.StudyDirection[direction.upper()]
        )
        study.add_trials(frozen)
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=_SEED)
        shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {named[label].path: float(share) for label, share in shares.items()}


@contextmanager
def _quiet_optuna() -> Iterator[None]:
    """Without Optuna's line for a new study and its warnings of experimental features."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(verbosity)


def _is_usable(dimension: Dimension, trials: Sequence[TrialRecord]) -> bool:
    """Whether it varies, and most trials have it: else few trials are left for the others."""
    places = [dimension.scaled_in(trial.params) for trial in trials]
    placed = [place for place in places if place is not None]
    return len(set(placed)) > 1 and len(placed) * 2 > len(trials)


def _frozen(trial: TrialRecord, named: dict[str, Dimension]) -> optuna.trial.FrozenTrial | None:
    """The trial for Optuna, parameters by short label; None where one does not fit its range."""
    try:
        return optuna.trial.create_trial(
            value=trial.value,
            params={label: trial.params[dim.path] for label, dim in named.items()},
            distributions={label: _optuna(dim) for label, dim in named.items()},
        )
    except (KeyError, ValueError, TypeError):
        return None


def _optuna(dimension: Dimension) -> BaseDistribution:
    dist: Any = dimension.distribution
    if isinstance(dist, Choice):
        return CategoricalDistribution(dist.values)
    if isinstance(dist, IntRange):
        return IntDistribution(dist.low, dist.high, log=dist.log, step=dist.step)
    return FloatDistribution(dist.low, dist.high, log=dist.log, step=dist.step)
