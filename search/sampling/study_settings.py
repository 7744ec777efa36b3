"""Sampler, pruner and scheduler as a study file asks for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from optuna.pruners import BasePruner

from search.sampling.copied_trials import warm_start_of
from search.sampling.explored_paths import exploration_of
from search.sampling.pruners import make_pruner
from search.sampling.samplers import Sampling
from search.sampling.schedulers.make import PBT, check_scheduler, make_scheduler
from search.sampling.schedulers.scheduler import Curves, Scheduler
from search.sampling.source_weights import SourceModels
from search.space.baseline import baseline_of
from search.space.distributions import Params
from search.space.enqueued_points import point_of
from search.store.warm_start import WarmSource, WarmStart
from search.study_file.curve_steps import EPOCHS, SAMPLES, VALIDATIONS, Steps
from search.study_file.objective import sign_of
from search.study_file.objectives import reported_metric
from search.study_file.schema import StudyFile


def sampling_of(study_file: StudyFile) -> Sampling:
    """The sampling that a study file asks for, once what it names takes its options.

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
    check_scheduler(study_file.scheduler.name, study_file.scheduler.options)
    exploration_of(study_file)
    return sampling


def learning_sampling(sampling: Sampling, warm_start: WarmStart) -> Sampling:
    """The sampling of a study that learns from what it took over.

    Its seed is another: with that of an earlier study it would begin with the points of that.
    """
    if not warm_start.sources:
        return sampling
    state = np.random.SeedSequence([sampling.seed, warm_start.checksum]).generate_state(1)
    # the other samplers try its points alone
    is_learnt = sampling.name == "tpe"
    models = SourceModels(warm_start, sampling.space) if is_learnt else None
    return replace(sampling, seed=int(state[0]), models=models)


def first_point_of(study_file: StudyFile, defaults: Mapping[str, object]) -> Params:
    """The values that the first trial takes from the configuration itself; none where that is not
    wanted, or an enqueued point has them.

    Args:
        defaults: the values of paths where the configuration gives none.
    """
    # of finalists each trial has the configuration of another
    if not study_file.baseline or study_file.finalists is not None:
        return {}
    params = baseline_of(study_file.points, defaults)
    enqueued = (point_of(study_file.points, given)[0] for given in study_file.enqueue)
    return {} if any(params.items() <= each.items() for each in enqueued) else params


def warm_start_for(
    study_file: StudyFile,
    sources: Sequence[WarmSource],
    defaults: Mapping[str, object],
    tried: Sequence[Params],
) -> WarmStart:
    """What a study takes over of earlier ones.

    Args:
        defaults: as for `first_point_of`.
        tried: points that other trials have, those of `enqueue` aside.
    """
    points = study_file.points
    enqueued = [point_of(points, given)[0] for given in study_file.enqueue]
    return warm_start_of(sources, points, baseline_of(points, defaults), [*tried, *enqueued])


def pruner_of(study_file: StudyFile, steps: Steps | None) -> BasePruner:
    """The pruner that a study file asks for.

    Args:
        steps: those of the study; None where their unit does not matter, or is not known.

    Raises:
        UserError: the pruner refuses its options.
    """
    name, options = study_file.pruner.name, study_file.pruner.options
    return make_pruner(name, options, _last_step(study_file, steps), _epoch_steps(steps))


def scheduler_of(
    study_file: StudyFile,
    steps: Steps | None,
    least: int = 1,
    total: int | None = None,
    reshaping: Collection[str] = (),
) -> Scheduler | None:
    """The scheduler that a study file asks for; None where it asks for none.

    Args:
        steps: as for `pruner_of`.
        least: the steps of a trial before its first pause, where the study file does not say.
        total: trials that may begin; None is no limit.
        reshaping: as for `exploration_of`.

    Raises:
        UserError: the scheduler refuses its options.
    """
    reported = reported_metric(study_file)
    objective = next(each for each in study_file.judged if each.metric == reported)
    curves = Curves(
        sign=sign_of(objective.direction),
        # another metric than that of the checkpoint has no best of its own
        keeps_best=objective == study_file.objective and objective.value == "best",
        steps=steps,
        last=_last_step(study_file, steps),
    )
    name, options = study_file.scheduler.name, study_file.scheduler.options
    epoch_steps = _epoch_steps(steps)
    if steps is None or steps.unit == VALIDATIONS:
        epoch_steps = _validations_of_an_epoch(study_file) or 1
    return make_scheduler(
        name,
        options,
        curves,
        study_file.points.space,
        epoch_steps=epoch_steps,
        least=least,
        total=total,
        exploration=exploration_of(study_file, reshaping),
    )


def has_first_rung(study_file: StudyFile) -> bool:
    """Tell whether a study file says how long a trial is trained before its first pause."""
    # the stops of pbt are parts of a training, whatever a process costs
    return "min_resource" in study_file.scheduler.options or study_file.scheduler.name == PBT


def _epoch_steps(steps: Steps | None) -> int:
    """The steps of an epoch, where options count epochs and curves do not."""
    is_samples = steps is not None and steps.unit == SAMPLES
    return (steps.epoch_samples or 1) if steps is not None and is_samples else 1


def _last_step(study_file: StudyFile, steps: Steps | None) -> int | None:
    """The step at which a trial is trained to its end; None where that is not known."""
    epochs = _max_epochs(study_file)
    if steps is None or steps.unit == VALIDATIONS:
        return _max_validations(study_file)
    if steps.unit == EPOCHS:
        return epochs
    return epochs * steps.epoch_samples if epochs and steps.epoch_samples else None


def _max_epochs(study_file: StudyFile) -> int | None:
    epochs = study_file.trainer.get("max_epochs")
    if not isinstance(epochs, int) or epochs < 1 or "trainer.max_epochs" in study_file.space:
        return None
    return epochs


def _max_validations(study_file: StudyFile) -> int | None:
    """The validations of a full trial, where the study file fixes them."""
    epochs, of_an_epoch = _max_epochs(study_file), _validations_of_an_epoch(study_file)
    return None if epochs is None or of_an_epoch is None else epochs * of_an_epoch


def _validations_of_an_epoch(study_file: StudyFile) -> int | None:
    """The validations of an epoch, where the study file fixes them."""
    interval = study_file.trainer.get("val_check_interval")
    if interval is None:
        return 1
    # batches, or a time: how many an epoch has of them is not known here
    if not isinstance(interval, float) or not 0 < interval <= 1:
        return None
    return int(1 / interval)
