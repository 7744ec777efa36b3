"""The time between two checkpoints of a trial, by what one costs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

# of the training time since the last checkpoint
COST_SHARE = 0.02


class SaveInterval:
    """Knows when the training since the last checkpoint has earned the next one.

    Args:
        cost_share: the part of the training time that checkpoints may take; infinity for one at
            the end of every epoch.
    """

    def __init__(self, cost_share: float = COST_SHARE) -> None:
        self._cost_share = cost_share
        self._began = time.monotonic()
        # copies into memory since the last one that was written
        self._copying_s = 0.0
        # that the last one took, synced; None before the first, which is written to know it
        self.writing_s: float | None = None

    @property
    def is_earned(self) -> bool:
        if self.writing_s is None:
            return True
        # writing ends the copies; counted as a cost of the next one, dear copies would put it off
        # for ever
        if self._copying_s >= self.writing_s:
            return True
        return self.writing_s <= self._cost_share * (time.monotonic() - self._began)

    @property
    def seconds(self) -> float:
        """Training after which the next one is written at the latest, at the end of the epoch; 0
        before the first."""
        return (self.writing_s or 0.0) / self._cost_share

    @contextmanager
    def copying(self) -> Iterator[None]:
        """Count the time of a copy into memory."""
        began = time.monotonic()
        yield
        self._copying_s += time.monotonic() - began

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Count the time of a checkpoint that is written, and begin the time to the next."""
        began = time.monotonic()
        yield
        self._began = time.monotonic()
        self._copying_s, self.writing_s = 0.0, self._began - began

    def go_on(self, writing_s: float | None, lost_s: float) -> None:
        """Go on from a checkpoint.

        Args:
            writing_s: what the one before it took; None where that is not known.
            lost_s: training after it that a kill took, which counts as training.
        """
        self._began = time.monotonic() - lost_s
        self._copying_s, self.writing_s = 0.0, writing_s
