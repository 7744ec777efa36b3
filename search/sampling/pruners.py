"""Pruners by name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from optuna import pruners
from optuna.exceptions import ExperimentalWarning

from search.errors import UserError
from search.plain.wording import did_you_mean
from search.sampling.samplers import check_options, refused_options
from search.study_file.other_words import PRUNER_WORDS

_PRUNERS: dict[str, type[pruners.BasePruner]] = {
    "median": pruners.MedianPruner,
    "hyperband": pruners.HyperbandPruner,
    "successive_halving": pruners.SuccessiveHalvingPruner,
    "percentile": pruners.PercentilePruner,
    "threshold": pruners.ThresholdPruner,
    "patient": pruners.PatientPruner,
    "wilcoxon": pruners.WilcoxonPruner,
    "none": pruners.NopPruner,
}

# the options that count steps
_IN_STEPS = ("n_warmup_steps", "interval_steps", "min_resource", "max_resource")

_DEFAULTS: dict[str, dict[str, object]] = {
    "percentile": {"percentile": 25.0},
    "patient": {"patience": 3},
}


def make_pruner(
    name: str, options: Mapping[str, Any], max_steps: int | None, epoch_steps: int = 1
) -> pruners.BasePruner:
    """The pruner of a study.

    Args:
        max_steps: the steps of a full trial, Hyperband's largest resource; None if unknown.
        epoch_steps: how many of them an epoch has, where the options count epochs.

    Raises:
        UserError: an option is unknown or has a value that the pruner refuses.
    """
    given = {**_DEFAULTS.get(name, {}), **options}
    for key in _IN_STEPS:
        if type(given.get(key)) is int:
            given[key] *= epoch_steps
    if name == "hyperband" and max_steps is not None:
        given.setdefault("max_resource", max_steps)
        given.setdefault("min_resource", epoch_steps)
    if name == "patient":
        given["wrapped_pruner"] = _wrapped(given.pop("wrapped", None), max_steps, epoch_steps)
    checked = {key: value for key, value in given.items() if key != "wrapped_pruner"}
    check_options("pruner", name, checked, _PRUNERS[name])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        try:
            return _PRUNERS[name](**given)
        except (TypeError, ValueError) as error:
            raise UserError(refused_options("pruner", name, error)) from error


def _wrapped(component: Any, max_steps: int | None, epoch_steps: int) -> pruners.BasePruner | None:
    if component is None:
        return None
    options = {"name": component} if isinstance(component, str) else dict(component)
    name = str(options.pop("name", ""))
    if name not in _PRUNERS:
        raise UserError(
            f"pruner.wrapped: there is no {name}. {did_you_mean(name, _PRUNERS, PRUNER_WORDS)}"
        )
    return make_pruner(name, options, max_steps, epoch_steps)
