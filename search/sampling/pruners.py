"""Pruners by name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import optuna
from optuna import pruners
from optuna.exceptions import ExperimentalWarning

from search.errors import UserError
from search.plain.wording import did_you_mean
from search.sampling.samplers import check_options, refused_options
from search.study_file.curve_steps import EPOCHS, VALIDATIONS, Steps
from search.study_file.other_words import PRUNER_WORDS
from search.study_file.schema import StudyFile

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

_DEFAULTS: dict[str, dict[str, Any]] = {
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


def pruner_of(study_file: StudyFile, steps: Steps | None) -> optuna.pruners.BasePruner:
    """The pruner that a study file asks for.

    Args:
        steps: those of the study; None where their unit does not matter, or is not known.

    Raises:
        UserError: the pruner refuses its options.
    """
    name, options = study_file.pruner.name, study_file.pruner.options
    epochs = _max_epochs(study_file)
    if steps is None or steps.unit == VALIDATIONS:
        return make_pruner(name, options, _max_validations(study_file))
    if steps.unit == EPOCHS:
        return make_pruner(name, options, epochs)
    samples = steps.epoch_samples
    if samples is None:
        return make_pruner(name, options, None)
    return make_pruner(name, options, epochs and epochs * samples, samples)


def _max_epochs(study_file: StudyFile) -> int | None:
    epochs = study_file.trainer.get("max_epochs")
    if not isinstance(epochs, int) or epochs < 1 or "trainer.max_epochs" in study_file.space:
        return None
    return epochs


def _max_validations(study_file: StudyFile) -> int | None:
    """The validations of a full trial, where the study file fixes them."""
    epochs = _max_epochs(study_file)
    interval = study_file.trainer.get("val_check_interval")
    if interval is None:
        return epochs
    # batches, or a time: how many an epoch has of them is not known here
    if epochs is None or not isinstance(interval, float) or not 0 < interval <= 1:
        return None
    return epochs * int(1 / interval)
