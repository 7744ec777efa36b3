"""Candidates for the next trial: sampled and looked at before the trial is written anywhere.

A candidate that violates a constraint is taken back and another is sampled, so it costs no trial.
What is sampled depends on the study's seed, the trial's number and the trials before it alone.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import optuna
from optuna.trial import Trial

from search.errors import UserError
from search.sampling.samplers import Sampling
from search.space.distributions import Categorical, Distribution, FloatRange, Params
from search.space.points import DRAWS
from search.store.database.write_through import WriteThroughStorage
from search.store.optuna_distributions import to_optuna

# a sampler that is sure of a place outside of the constraints would go there for ever
_TURNS = 10


def stage(
    study: optuna.Study,
    storage: WriteThroughStorage,
    sampling: Sampling,
    fixed: Params,
) -> Trial:
    """A new trial with a valid point, staged in memory.

    Args:
        fixed: values of it that are not to be sampled.

    Raises:
        UserError: the constraints leave nothing that could be found.
    """
    # the densities of the widest ranges have steps of no mass, of whose logarithm NumPy warns
    with np.errstate(divide="ignore", invalid="ignore"):
        return _staged(study, storage, sampling, fixed)


def _staged(
    study: optuna.Study,
    storage: WriteThroughStorage,
    sampling: Sampling,
    fixed: Params,
) -> Trial:
    # the study itself may show the sampler fewer
    number = storage.get_n_trials(storage.study_id)
    if sampling.is_listed and not (sampling.points.is_plain and sampling.name == "bruteforce"):
        all_trials = storage.get_all_trials(storage.study_id, deepcopy=False)
        tried = [trial.params for trial in all_trials]
        fixed = _next_listed(sampling, tried, fixed)
    always = {path: each for path, each in sampling.space.items() if not each.when}
    weights = sampling.weights(study)
    study.sampler = sampling.sampler(number, 0, fixed, weights)
    trial = study.ask({path: to_optuna(each) for path, each in always.items()})
    _suggest_conditional(trial, sampling)
    turn = 0
    while sampling.points.violation(trial.params):
        turn += 1
        if turn == _TURNS:
            fixed = _drawn(sampling, number, fixed)
        storage.empty(trial)
        study.sampler = sampling.sampler(number, turn, fixed, weights)
        trial = Trial(study, trial._trial_id)
        for path, distribution in always.items():
            _suggest(trial, path, distribution)
        _suggest_conditional(trial, sampling)
    return trial


def _suggest_conditional(trial: Trial, sampling: Sampling) -> None:
    """Parents first; where all are unconditional the sampler saw them together."""
    for path in sampling.points.conditional:
        if sampling.space[path].is_active(trial.params):
            _suggest(trial, path, sampling.space[path])


def _suggest(trial: Trial, path: str, distribution: Distribution) -> None:
    if isinstance(distribution, Categorical):
        trial.suggest_categorical(path, distribution.values)
    elif isinstance(distribution, FloatRange):
        low, high = distribution.low, distribution.high
        trial.suggest_float(path, low, high, step=distribution.step, log=distribution.log)
    else:
        low, high = distribution.low, distribution.high
        trial.suggest_int(path, low, high, step=distribution.step, log=distribution.log)


def _next_listed(sampling: Sampling, tried: Iterable[Params], fixed: Params) -> Params:
    """The next point of the list that was not tried; one that was where all were."""
    seen = {_key(params) for params in tried}
    wanted = fixed.items()
    matching = [point for point in sampling.valid_points if wanted <= point.items()]
    return next((point for point in matching if _key(point) not in seen), matching[0])


def _key(params: Params) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((path, repr(value)) for path, value in params.items()))


def _drawn(sampling: Sampling, number: int, fixed: Params) -> Params:
    params = sampling.points.random_point(fixed, f"{sampling.seed}:{number}")
    if params is None:
        raise UserError(
            f"constraints: none of {DRAWS:,} random points of the space is valid any more. "
            "Loosen the constraints or widen the ranges."
        )
    return params
