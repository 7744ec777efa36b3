"""How long an attempt may be silent before it counts as hung.

The limit is learned from the attempt itself: a multiple of the longest time between two of its
signs of life so far, which are its steps of training and validation and its reports.
"""

from __future__ import annotations

from dataclasses import dataclass

# loading data, downloading it perhaps, compiling a model
BEFORE_FIRST_SIGN_S = 3600.0
SHORTEST_LIMIT_S = 600.0
FACTOR = 20.0


@dataclass
class Pace:
    """Signs of life of one attempt. Times are seconds of one clock.

    `last` is when the last sign came, `longest_s` the longest time between two of them.
    """

    last: float
    longest_s: float = 0.0
    signs: int = 0

    def sign(self, now: float) -> None:
        """Note that the attempt has done something."""
        if self.signs:
            self.longest_s = max(self.longest_s, now - self.last)
        self.last, self.signs = now, self.signs + 1

    def forgive(self, seconds: float) -> None:
        """Leave out a time in which the attempt or its listener was stopped."""
        self.last += seconds

    @property
    def limit_s(self) -> float:
        """The silence after which the attempt is hung."""
        if self.signs < 2:
            return BEFORE_FIRST_SIGN_S
        return max(SHORTEST_LIMIT_S, FACTOR * self.longest_s)

    def is_hung(self, now: float) -> bool:
        return now - self.last > self.limit_s
