"""Paused trials as samplers see them: pruned where they stand.

To Optuna (5.0) a trial that is not finished runs, and a sampler learns nothing from it, or takes it
for a bad one so that others keep away. One that waits has a curve, and may wait until the end.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Container

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState


class PausedTrialsStorage:
    """A storage that shows paused trials as pruned ones. All else is passed on.

    Args:
        is_paused: tells by its number whether a trial is.
    """

    def __init__(self, storage: BaseStorage, is_paused: Callable[[int], bool]) -> None:
        self._storage = storage
        self._is_paused = is_paused

    def __getattr__(self, name: str) -> object:
        return getattr(self._storage, name)

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        if states == (TrialState.WAITING,):
            return self._storage.get_all_trials(study_id, deepcopy, (TrialState.WAITING,))
        trials = self._storage.get_all_trials(study_id, deepcopy=deepcopy)
        shown = [_as_pruned(each) if self._is_paused(each.number) else each for each in trials]
        return [trial for trial in shown if states is None or trial.state in states]


def _as_pruned(trial: FrozenTrial) -> FrozenTrial:
    shown = copy.copy(trial)
    shown.state = TrialState.PRUNED
    return shown
