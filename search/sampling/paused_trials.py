"""Paused trials as samplers see them: complete with the value that is predicted, or pruned where
they stand.

To Optuna (5.0) a trial that is not finished runs, and a sampler learns nothing from it, or takes it
for a bad one so that others keep away. One that waits has a curve, and may wait until the end.
"""

from __future__ import annotations

import copy
from typing import Protocol

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from search.sampling.shown_storage import ShownStorage


class PausedTrials(Protocol):
    """What is known of trials that wait."""

    def holds(self, number: int) -> bool:
        """Tell whether a trial waits."""
        ...

    def predicted(self, number: int) -> float | None:
        """The value that a paused trial is predicted to come to; None where nothing is."""
        ...


class PausedTrialsStorage(ShownStorage):
    """A storage that shows paused trials as finished ones.

    Args:
        most: of how many of them a sampler is shown the latest; None for all.
        is_single: the study has one objective, of which values are predicted.
    """

    def __init__(
        self, storage: BaseStorage, paused: PausedTrials, most: int | None, *, is_single: bool
    ) -> None:
        super().__init__(storage)
        self._paused = paused
        self._most = most
        self._is_single = is_single

    def _shown(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        paused = [each.number for each in trials if self._paused.holds(each.number)]
        shown = set(paused if self._most is None else paused[-self._most :])
        left_out = set(paused) - shown
        return [
            self._finished(each) if each.number in shown else each
            for each in trials
            if each.number not in left_out
        ]

    def _finished(self, trial: FrozenTrial) -> FrozenTrial:
        finished = copy.copy(trial)
        predicted = self._paused.predicted(trial.number) if self._is_single else None
        finished.state = TrialState.PRUNED if predicted is None else TrialState.COMPLETE
        finished.values = None if predicted is None else [predicted]
        return finished
