"""Studies of several objectives, where Optuna (5.0) refuses what it could do.

A trial of such a study may not report, nor be judged by a pruner, and TPE fails at its pruned
trials, all because the study has no single direction. What trials report here is one metric with
its own direction, so both are given it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import optuna
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from search.sampling.bounded_trials import LEAST, BoundedStorage
from search.sampling.paused_trials import PausedTrials, PausedTrialsStorage
from search.store.database.write_through import WriteThroughStorage
from search.store.events.optuna_trials import directions_of
from search.store.records import StudyAttributes
from search.study_file.objective import sign_of


def sampled_study(
    name: str,
    storage: WriteThroughStorage,
    attributes: StudyAttributes,
    pruner: optuna.pruners.BasePruner,
    *,
    is_bounded: bool,
    paused: PausedTrials | None = None,
) -> optuna.Study:
    """The study that samplers are asked on. They never come from it: each trial gets its own.

    Args:
        is_bounded: show them no more finished trials than `BoundedStorage` does.
        paused: knows the trials that wait to be chosen; None where none can.
    """
    shown: BaseStorage = storage
    if is_bounded:
        reported = _reported_direction(attributes)
        shown = cast(BaseStorage, BoundedStorage(shown, storage.study_id, reported))
    if paused is not None:
        most = LEAST if is_bounded else None
        is_single = len(attributes.objectives) == 1
        shown = cast(BaseStorage, PausedTrialsStorage(shown, paused, most, is_single=is_single))
    return _sampled_study(name, shown, attributes, pruner)


def _sampled_study(
    name: str, storage: BaseStorage, attributes: StudyAttributes, pruner: optuna.pruners.BasePruner
) -> optuna.Study:
    sampler = optuna.samplers.RandomSampler(seed=0)
    if len(attributes.objectives) == 1:
        return optuna.load_study(study_name=name, storage=storage, sampler=sampler, pruner=pruner)
    return _StudyWithReports(name, storage, sampler, attributes)


def judged_study(
    study: optuna.Study, storage: BaseStorage, attributes: StudyAttributes
) -> optuna.Study:
    """The study as a pruner may see it: with the one metric that trials report as its objective."""
    return optuna.load_study(
        study_name=study.study_name,
        storage=judged_storage(storage, attributes),
        sampler=study.sampler,
        pruner=study.pruner,
    )


def judged_storage(storage: BaseStorage, attributes: StudyAttributes) -> BaseStorage:
    """The storage of `judged_study`."""
    if len(attributes.objectives) == 1:
        return storage
    return cast(BaseStorage, _OneObjective(storage, attributes))


def _reported_direction(attributes: StudyAttributes) -> StudyDirection:
    return directions_of(attributes)[attributes.reported_index]


class _StudyWithReports(optuna.Study):
    """A study of several objectives whose `direction` is that of the intermediate values.

    TPE orders pruned trials by them. Without a pruner, because Hyperband's would show the sampler
    a part of the trials in a study of its own, which has no direction.
    """

    def __init__(
        self,
        name: str,
        storage: BaseStorage,
        sampler: optuna.samplers.BaseSampler,
        attributes: StudyAttributes,
    ) -> None:
        super().__init__(name, storage, sampler, optuna.pruners.NopPruner())
        self._reported_direction = _reported_direction(attributes)

    @property
    def direction(self) -> StudyDirection:
        return self._reported_direction


class _OneObjective:
    """A storage that says its study had one objective: the reported one. All else is passed on."""

    def __init__(self, storage: BaseStorage, attributes: StudyAttributes) -> None:
        self._storage = storage
        self._index = attributes.reported_index
        self._direction = _reported_direction(attributes)

    def __getattr__(self, name: str) -> object:
        return getattr(self._storage, name)

    def get_study_directions(self, study_id: int) -> Sequence[StudyDirection]:
        return [self._direction]

    def get_best_trial(self, study_id: int) -> FrozenTrial:
        """The feasible complete trial with the best value of the reported objective.

        Raises:
            ValueError: there is none.
        """
        trials = self._storage.get_all_trials(study_id, deepcopy=False)
        return min(filter(_is_feasible, trials), key=self._rank)

    def _rank(self, trial: FrozenTrial) -> tuple[float, int]:
        return (sign_of(self._direction.name.lower()) * trial.values[self._index], trial.number)


def _is_feasible(trial: FrozenTrial) -> bool:
    is_complete = trial.state == TrialState.COMPLETE
    return is_complete and all(violation <= 0 for violation in trial.constraints.values())
