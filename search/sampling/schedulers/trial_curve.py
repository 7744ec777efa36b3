"""A trial as a scheduler that predicts knows it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from search.space.distributions import Scalar


@dataclass
class TrialCurve:
    """A trial, its curve and how it stands.

    point: tells trials of the same point from others.
    vector: its point in the unit cube.
    values: those of `steps`, to be minimized.
    """

    point: frozenset[tuple[str, Scalar]]
    vector: np.ndarray
    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    is_paused: bool = False
    is_complete: bool = False
    is_failed: bool = False
    is_over: bool = False

    def add(self, step: int, value: float) -> None:
        if not math.isfinite(value):
            self.is_failed = True
            return
        self.steps.append(step)
        self.values.append(value)

    def end(self, *, is_complete: bool, is_failed: bool) -> None:
        self.is_paused = False
        self.is_over = True
        self.is_complete = is_complete
        self.is_failed = self.is_failed or is_failed

    @property
    def is_running(self) -> bool:
        return not (self.is_paused or self.is_over)

    @property
    def step(self) -> int:
        """The last step that was reported; 0 before the first."""
        return self.steps[-1] if self.steps else 0

    @property
    def last_two(self) -> tuple[int, int]:
        """The last two steps that were reported; 0 for what is not there."""
        return (self.steps[-2] if len(self.steps) > 1 else 0, self.step)
