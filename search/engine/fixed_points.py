"""The points that go before what is sampled: the configuration's own, the queue, those of earlier
studies, in this order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from search.space.distributions import Params
from search.store.events.study_history import StudyHistory
from search.store.events.trial_history import TrialHistory
from search.store.queue import Queue


@dataclass(frozen=True)
class FixedPoint:
    """Values that the next trial is to have, the others being sampled.

    origin: what the trial's first event says of them.
    """

    params: Params = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)


class FixedPoints:
    """The fixed points of a study.

    Args:
        history: has the point of the configuration, and those of earlier studies.
        queue: those of the user.
    """

    def __init__(self, history: StudyHistory, queue: Queue) -> None:
        self._history = history
        self._queue = queue

    def next(self, trials: Sequence[TrialHistory]) -> FixedPoint:
        """The values of the trial after `trials`, which took those before them.

        Raises:
            StorageError: the queue is damaged.
        """
        baseline = self._history.baseline
        if baseline and not trials:
            return FixedPoint(baseline, {"baseline": [*baseline]})
        queued = self._queue.next({each.enqueued for each in trials if each.enqueued is not None})
        if queued is not None:
            place, params = queued
            return FixedPoint(params, {"enqueued": place})
        taken = {each.warm_place for each in trials}
        for place, point in enumerate(self._history.warm_start.points, 1):
            if place not in taken:
                origin = {"warm_place": place, "warm_origin": point.origin}
                return FixedPoint(point.params, origin)
        return FixedPoint()
