"""How long an attempt may be silent before it counts as hung.

The limit is learned from the attempt itself: a multiple of the longest time between two of its
signs of life so far, which are its steps of training and validation and its reports. Between its
fits and after them a script may do anything, for any time: no limit but that of the whole trial.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# loading data, downloading it perhaps, compiling a model
BEFORE_FIRST_SIGN_S = 3600.0
SHORTEST_LIMIT_S = 600.0
FACTOR = 20.0


@dataclass
class Pace:
    """Signs of life of one attempt. Times are seconds of one clock.

    `last` is when the last sign came, `longest_s` the longest time between two of them;
    `makes_steps` is false while a script works by itself, after a fit or a test.
    """

    last: float
    longest_s: float = 0.0
    signs: int = 0
    makes_steps: bool = True

    def sign(self, now: float) -> None:
        """Note that the attempt has done something."""
        if self.signs and self.makes_steps:
            self.longest_s = max(self.longest_s, now - self.last)
        self.last, self.signs, self.makes_steps = now, self.signs + 1, True

    def end_loop(self) -> None:
        """Note that no step is to be expected before the next sign."""
        self.makes_steps = False

    def forgive(self, seconds: float) -> None:
        """Leave out a time in which the attempt or its listener was stopped."""
        self.last += seconds

    @property
    def limit_s(self) -> float:
        """The silence after which the attempt is hung."""
        if not self.makes_steps:
            return math.inf
        if self.signs < 2:
            return BEFORE_FIRST_SIGN_S
        return max(SHORTEST_LIMIT_S, FACTOR * self.longest_s)

    def is_hung(self, now: float) -> bool:
        return now - self.last > self.limit_s
