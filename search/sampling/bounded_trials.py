"""The finished trials that TPE sees of a long study: the best, the latest, and some of the others.

Each time that it is asked, Optuna's TPE (5.0) goes over all of them several times, and once a
parameter with several objectives, so that a trial took longer the more there were. Its model needs
few: the best, of which it takes 25 at most, stand against a density of all others, the latest of
which weigh most. Up to `MOST` finished trials it sees them all.

The selection depends on the finished trials alone, not on the order in which they came to be seen,
so that a study that was interrupted goes on as one that was not.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Sequence

from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from search.sampling.shown_storage import ShownStorage

MOST = 500
# the parts overlap, but of more than `MOST` finished trials no fewer than this are shown
LEAST = 200
_BEST = 100
_LATEST = 150
_OTHERS = MOST - _BEST - _LATEST
_SEEN = (TrialState.COMPLETE, TrialState.PRUNED)


class BoundedStorage(ShownStorage):
    """A storage that shows no more than `MOST` finished trials.

    Args:
        storage: of one study.
        reported: the direction of the metric that trials report.
    """

    def __init__(self, storage: BaseStorage, study_id: int, reported: StudyDirection) -> None:
        super().__init__(storage)
        directions = storage.get_study_directions(study_id)
        self._selection = _Selection(directions, reported)

    def _shown(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        return self._selection.of(trials)


class _Selection:
    """The trials that are shown, each of them looked at once when it has finished."""

    def __init__(self, directions: Sequence[StudyDirection], reported: StudyDirection) -> None:
        self._signs = [_sign(direction) for direction in directions]
        self._reported_sign = _sign(reported)
        # those that were seen before they finished, and how many were seen in all
        self._unfinished: list[int] = []
        self._seen = 0
        # finished ones, ascending, and of them those that the step divides
        self._numbers: list[int] = []
        self._others: list[int] = []
        self._step = 1
        # (rank, number), the best first
        self._ranked: list[tuple[tuple[float, ...], int]] = []
        # of several objectives: values to be minimized, and number
        self._front: list[tuple[tuple[float, ...], int]] = []

    def of(self, trials: list[FrozenTrial]) -> list[FrozenTrial]:
        self._look_at(trials)
        if len(self._numbers) <= MOST:
            return trials
        front = self._spread_front()
        best = front + [number for _, number in self._ranked[: _BEST - len(front)]]
        shown = {*best, *self._numbers[-_LATEST:], *self._others, *self._unfinished}
        return [trials[number] for number in sorted(shown)]

    def _look_at(self, trials: Sequence[FrozenTrial]) -> None:
        unfinished = []
        for number in [*self._unfinished, *range(self._seen, len(trials))]:
            trial = trials[number]
            if not trial.state.is_finished():
                unfinished.append(number)
            elif trial.state in _SEEN:
                self._add(trial)
        self._unfinished, self._seen = unfinished, len(trials)

    def _add(self, trial: FrozenTrial) -> None:
        insort(self._numbers, trial.number)
        if trial.number % self._step == 0:
            insort(self._others, trial.number)
        while len(self._others) > _OTHERS:
            self._step *= 2
            self._others = [number for number in self._others if number % self._step == 0]
        if self._is_of_the_front(trial):
            self._add_to_front(trial)
            return
        insort(self._ranked, (self._rank(trial), trial.number))
        del self._ranked[_BEST:]

    def _rank(self, trial: FrozenTrial) -> tuple[float, ...]:
        """As TPE orders them: complete ones by value, pruned ones by how far they came, then those
        that violate a constraint by how much."""
        violation = _violation(trial)
        if violation > 0:
            return (2, violation)
        if trial.state == TrialState.COMPLETE:
            return (0, self._signs[0] * trial.values[0])
        if not trial.intermediate_values:
            return (1, 1)
        step, value = max(trial.intermediate_values.items())
        if math.isnan(value):
            return (1, -step, math.inf)
        return (1, -step, self._reported_sign * value)

    def _is_of_the_front(self, trial: FrozenTrial) -> bool:
        """Tell whether no single value ranks the trial."""
        is_complete = trial.state == TrialState.COMPLETE
        return len(self._signs) > 1 and is_complete and _violation(trial) <= 0

    def _add_to_front(self, trial: FrozenTrial) -> None:
        new = tuple(sign * each for sign, each in zip(self._signs, trial.values, strict=True))
        if any(_dominates(values, new) for values, _ in self._front):
            return
        self._front = [each for each in self._front if not _dominates(new, each[0])]
        insort(self._front, (new, trial.number))

    def _spread_front(self) -> list[int]:
        """So many trials of the front, from one of its ends to the other."""
        last = len(self._front) - 1
        if last < _BEST:
            return [number for _, number in self._front]
        return [self._front[place * last // (_BEST - 1)][1] for place in range(_BEST)]


def _sign(direction: StudyDirection) -> int:
    return -1 if direction == StudyDirection.MAXIMIZE else 1


def _violation(trial: FrozenTrial) -> float:
    return sum(each for each in trial.constraints.values() if each > 0)


def _dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
