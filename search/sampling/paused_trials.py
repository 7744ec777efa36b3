"""Paused trials as samplers see them: pruned where they stand.

To Optuna (5.0) a trial that is not finished runs, and a sampler learns nothing from it, or takes it
for a bad one so that others keep away. One that waits has a curve, and may wait until the end.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from search.sampling.shown_storage import ShownStorage


class PausedTrialsStorage(ShownStorage):
    """A storage that shows paused trials as pruned ones.

    Args:
        is_paused: tells by its number whether a trial is.
        most: of how many of them a sampler is shown the latest; None for all.
    """

    def __init__(
        self, storage: BaseStorage, is_paused: Callable[[int], bool], most: int | None
    ) -> None:
        super().__init__(storage)
        self._is_paused = is_paused
        self._most = most

    def _shown(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        paused = [each.number for each in trials if self._is_paused(each.number)]
        shown = set(paused if self._most is None else paused[-self._most :])
        left_out = set(paused) - shown
        return [
            _as_pruned(each) if each.number in shown else each
            for each in trials
            if each.number not in left_out
        ]


def _as_pruned(trial: FrozenTrial) -> FrozenTrial:
    shown = copy.copy(trial)
    shown.state = TrialState.PRUNED
    return shown
