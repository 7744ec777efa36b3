"""The share of the metric's variation that each parameter explains, with its uncertainty."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import optuna
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from search.plain.formats import format_percent
from search.report.dimensions import Dimension
from search.report.fanova import Array, resampled_shares
from search.report.value_axis import ValueAxis
from search.store.optuna_distributions import to_optuna
from search.store.records import TrialRecord
from search.study_file.objective import sign_of

MIN_TRIALS = 20
PERCENT = 95
_TAIL = (1 - PERCENT / 100) / 2


@dataclass(frozen=True)
class Importance:
    """A share of 1, and the ends of its bootstrap interval."""

    share: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """`44 % (1 to 91 %)`."""
        low, high = format_percent(self.low), format_percent(self.high)
        return f"{format_percent(self.share)} ({low.removesuffix(' %')} to {high})"


def param_importances(
    trials: Sequence[TrialRecord], dimensions: Sequence[Dimension], axis: ValueAxis | None
) -> dict[str, Importance]:
    """Shares that sum to 1, on the scales of the axes: logarithms where those are logarithmic.

    Args:
        trials: complete trials with finite values.
        dimensions: the searched values. One that not every trial has is left out: of the trials
            that have it, the switch that it depends on has one value, and would explain nothing.
        axis: the axis of the values; None without trials.

    Returns:
        path -> importance; empty with fewer than `MIN_TRIALS` trials or without variation.
    """
    assessed = [dim for dim in dimensions if _is_usable(dim, trials)]
    assessed.sort(key=lambda dim: dim.path)
    trials = [t for t in trials if all(dim.scaled_in(t.params) is not None for dim in assessed)]
    if axis is None or not assessed or len(trials) < MIN_TRIALS:
        return {}
    values = np.array([axis.transformed(trial.value or 0.0) for trial in trials])
    places = np.column_stack([_places(dim, trials, values) for dim in assessed])
    if len(set(values)) < 2:
        return {}
    shares = resampled_shares(places, values)
    lows, highs = np.quantile(shares, (_TAIL, 1 - _TAIL), axis=0)
    return {
        dim.path: Importance(float(share), float(low), float(high))
        for dim, share, low, high in zip(assessed, shares.mean(axis=0), lows, highs, strict=True)
    }


def groups(importances: Mapping[str, Importance]) -> list[list[str]]:
    """Paths in groups, the larger shares first: of two groups every interval of the one lies above
    every interval of the other; within a group nothing is known of the order."""
    rest = sorted(importances, key=lambda path: (-importances[path].share, path))
    found: list[list[str]] = [[]]
    for place, path in enumerate(rest):
        found[-1].append(path)
        below = max((importances[other].high for other in rest[place + 1 :]), default=-math.inf)
        if place + 1 < len(rest) and min(importances[each].low for each in found[-1]) > below:
            found.append([])
    return found if rest else []


def dashboard_importances(
    trials: Sequence[TrialRecord], dimensions: Sequence[Dimension], direction: str
) -> dict[str, float]:
    """Shares as optuna-dashboard shows them: Optuna's default, PED-ANOVA (Watanabe et al. 2023,
    https://arxiv.org/abs/2304.10255), over all complete trials; path -> share."""
    sign = sign_of(direction)
    with _quiet_optuna():
        frozen = [each for trial in trials if (each := _frozen(trial, dimensions)) is not None]
        study = optuna.create_study(
            study_name="report", direction=optuna.study.StudyDirection[direction.upper()]
        )
        study.add_trials(frozen)
        shares = get_param_importances(
            study,
            evaluator=PedAnovaImportanceEvaluator(),
            target=lambda trial: sign * trial.values[0],
        )
    return {path: float(share) for path, share in shares.items()}


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
    """True where the parameter varies, and every trial has it."""
    places = {dimension.scaled_in(trial.params) for trial in trials} - {None}
    return len(places) > 1 and all(dimension.path in trial.params for trial in trials)


def _places(dimension: Dimension, trials: Sequence[TrialRecord], values: Array) -> Array:
    """Places from 0 to 1: in a range as on its axis; choices in equal parts by their mean value,
    an order in which trees find every split between them (Fisher 1958)."""
    at = np.array([dimension.scaled_in(trial.params) for trial in trials], dtype=float)
    if not dimension.choices:
        return at
    tried = sorted(set(at), key=lambda place: (values[at == place].mean(), place))
    part_of = {place: (part + 0.5) / len(tried) for part, place in enumerate(tried)}
    return np.array([part_of[place] for place in at])


def _frozen(trial: TrialRecord, dimensions: Sequence[Dimension]) -> optuna.trial.FrozenTrial | None:
    """A complete trial for Optuna; None where it is another, or does not fit its range."""
    if trial.state != "COMPLETE":
        return None
    had = [dim for dim in dimensions if dim.path in trial.params]
    try:
        return optuna.trial.create_trial(
            value=trial.value,
            params={dim.path: trial.params[dim.path] for dim in had},
            distributions={dim.path: to_optuna(dim.distribution) for dim in had},
        )
    except (ValueError, TypeError):
        return None
