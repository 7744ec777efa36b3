"""A storage that shows samplers other trials than it has."""

from __future__ import annotations

from collections.abc import Container

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState


class ShownStorage:
    """Shows what `_shown` makes of all trials, but those that Optuna hands out as they are. All
    else is passed on."""

    def __init__(self, storage: BaseStorage) -> None:
        self._storage = storage

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
        return [each for each in self._shown(trials) if states is None or each.state in states]

    def _shown(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        raise NotImplementedError
