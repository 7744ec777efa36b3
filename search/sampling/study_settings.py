"""Sampler and pruner as a study file asks for them."""

from __future__ import annotations

from optuna.pruners import BasePruner

from search.sampling.pruners import make_pruner
from search.sampling.samplers import Sampling
from search.study_file.curve_steps import EPOCHS, VALIDATIONS, Steps
from search.study_file.schema import StudyFile


def sampling_of(study_file: StudyFile) -> Sampling:
    """The sampling that a study file asks for, once its sampler and its pruner take their options.

    Raises:
        UserError: one of them refuses its options.
    """
    sampling = Sampling(
        name=study_file.sampler.name,
        options=study_file.sampler.options,
        points=study_file.points,
        seed=study_file.seed,
    )
    sampling.check()
    pruner_of(study_file, None)
    return sampling


def pruner_of(study_file: StudyFile, steps: Steps | None) -> BasePruner:
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
