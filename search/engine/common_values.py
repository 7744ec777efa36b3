"""Values that the first trials of a study settle for all that come."""

from __future__ import annotations

import optuna

from search.layout import StudyFolder
from search.store.events.event_file import append_event
from search.store.events.optuna_trials import MICRO_BATCHES
from search.store.events.study_history import (
    FIRST_PAUSE,
    MICRO_BATCH,
    NO_GAIN,
    THREADS,
    StudyHistory,
)
from search.study_file.stopping_rules import Gain


class CommonValues:
    """Values that the trials of a study have in common, written to its events.

    Args:
        history: what the events say; changed alike.
        study: shows the micro-batches to other tools.
    """

    def __init__(self, folder: StudyFolder, history: StudyHistory, study: optuna.Study) -> None:
        self._folder = folder
        self._history = history
        self._study = study

    @property
    def threads(self) -> int | None:
        """CPU threads of the trials so far; None before the first was begun."""
        return self._history.threads

    def set_threads(self, count: int, reason: str) -> None:
        """Write how many CPU threads the trials of the study have, once: a machine with fewer
        cores changes that for its own run alone."""
        if self.threads is None:
            append_event(self._folder.events, THREADS, threads=count, reason=reason)
            self._history.threads = count

    def micro_batch(self, key: str) -> int | None:
        """The micro-batch that a probe found for `key`."""
        return self._history.micro_batches.get(key)

    def set_micro_batch(self, key: str, size: int) -> None:
        """Write the micro-batch that was found for `key`."""
        append_event(self._folder.events, MICRO_BATCH, key=key, size=size)
        self._history.micro_batches[key] = size
        self._study.set_user_attr(MICRO_BATCHES, dict(self._history.micro_batches))

    def lower_micro_batch(self, key: str, size: int) -> None:
        """Let trials to come begin with no more than `size`, above which one ran out of memory."""
        found = self.micro_batch(key)
        if found is None or size < found:
            self.set_micro_batch(key, size)

    def set_gain(self, gain: Gain) -> None:
        """Write that what is left to gain is nothing but noise."""
        append_event(self._folder.events, NO_GAIN, most=gain.most, noise=gain.noise)
        self._history.gain = gain

    def set_first_pause(self, steps: int) -> None:
        """Write after how many steps a trial may be paused first, once: rungs must not move."""
        append_event(self._folder.events, FIRST_PAUSE, steps=steps)
        self._history.first_pause = steps
