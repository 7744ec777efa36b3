"""Curves whose steps are not the same, as a pruner can compare them.

Optuna's median, percentile and Wilcoxon pruners look at the very step of a trial in the others.
Trials that report after different numbers of samples share none, and nothing would be pruned.
"""

from __future__ import annotations

import copy
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, cast

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState


def aligned_study(study: optuna.Study, storage: BaseStorage, steps: Sequence[int]) -> optuna.Study:
    """The study with the curve of each trial at `steps`.

    Args:
        storage: that of the study.
    """
    return optuna.load_study(
        study_name=study.study_name,
        storage=cast(BaseStorage, _AlignedStorage(storage, steps)),
        sampler=study.sampler,
    )


def aligned(curve: Mapping[int, float], steps: Sequence[int]) -> dict[int, float]:
    """What a trial had last reported at each of `steps`, from its first report to its last."""
    own = sorted(curve)
    within = [step for step in steps if own and own[0] <= step <= own[-1]]
    return {step: curve[own[bisect_right(own, step) - 1]] for step in within}


class _AlignedStorage:
    """A storage whose trials have their curves at given steps. All else is passed on."""

    def __init__(self, storage: BaseStorage, steps: Sequence[int]) -> None:
        self._storage = storage
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Sequence[TrialState] | None = None
    ) -> list[FrozenTrial]:
        trials = self._storage.get_all_trials(
            study_id, deepcopy=False, states=None if states is None else tuple(states)
        )
        return [self._aligned(trial) for trial in trials]

    def get_best_trial(self, study_id: int) -> FrozenTrial:
        return self._aligned(self._storage.get_best_trial(study_id))

    def _aligned(self, trial: FrozenTrial) -> FrozenTrial:
        other = copy.copy(trial)
        other.intermediate_values = aligned(trial.intermediate_values, self._steps)
        return other
