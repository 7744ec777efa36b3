"""Curves whose steps are not the same, as a pruner can compare them.

Optuna's median, percentile and Wilcoxon pruners look at the very step of a trial in the others.
Trials that report after different numbers of samples share none, and nothing would be pruned.
"""

from __future__ import annotations

import copy
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import cast

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState


class AlignedCurve(Mapping[int, float]):
    """The last report of a trial before each of `steps`, from its first report to its last.

    Nothing is computed before it is looked at: most pruners look at one step of a curve, and at
    each report at all curves.

    Args:
        steps: in ascending order.
    """

    def __init__(self, curve: Mapping[int, float], steps: Collection[int]) -> None:
        self._curve = curve
        self._steps = steps

    @cached_property
    def _own(self) -> list[int]:
        return sorted(self._curve)

    def __getitem__(self, step: int) -> float:
        own = self._own
        if not own or not own[0] <= step <= own[-1] or step not in self._steps:
            raise KeyError(step)
        return self._curve[own[bisect_right(own, step) - 1]]

    def __iter__(self) -> Iterator[int]:
        return (step for step in self._steps if step in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class AlignedStorage:
    """A storage whose trials have their curves at given steps. All else is passed on."""

    def __init__(self, storage: BaseStorage) -> None:
        self._storage = storage
        # in all curves the same object, so that those of finished trials are made once
        self._steps: dict[int, None] = {}
        self._finished: dict[int, FrozenTrial] = {}

    def __getattr__(self, name: str) -> object:
        return getattr(self._storage, name)

    def study_at(self, study: optuna.Study, steps: Iterable[int]) -> optuna.Study:
        """The study of the storage with the curve of each trial at `steps`, until the next call."""
        self._steps.clear()
        self._steps.update(dict.fromkeys(sorted(steps)))
        return optuna.load_study(
            study_name=study.study_name, storage=cast(BaseStorage, self), sampler=study.sampler
        )

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
        if (known := self._finished.get(trial._trial_id)) is not None:
            return known
        other = copy.copy(trial)
        curve = AlignedCurve(trial.intermediate_values, self._steps)
        other.intermediate_values = cast(dict[int, float], curve)
        if trial.state.is_finished():
            self._finished[trial._trial_id] = other
        return other
