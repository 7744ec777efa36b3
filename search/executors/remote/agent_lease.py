"""How long an agent may believe that nobody has taken its place.

The lease of Gray and Cheriton (1989), told in the agent's own time alone, because the clocks of two
machines differ: with each sign of life the agent sends the time of its clock, and the bridge sends
back the last that it heard. For `LEASE_S` from then on the agent's attempts are its own. The bridge
heard it later than it was sent, so counting from there it never gives up too early.
"""

from __future__ import annotations

import time

from search.executors.lease import LEASE_S

# until the first word of a bridge, which may be busy with many others
FIRST_WORD_S = 300.0
# the bridge waits longer than the agent, whose kill takes a moment
_KILL_S = 2.0


def clock_s() -> float:
    """Seconds on a clock that goes on while the machine sleeps, where it has one."""
    which = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(which)


class AgentLease:
    """The lease as its agent knows it.

    Args:
        now: the agent's clock.
    """

    def __init__(self, now: float) -> None:
        self._ends = now + FIRST_WORD_S
        self._is_held = False

    @property
    def is_held(self) -> bool:
        """Whether a bridge has spoken, so that there may be attempts."""
        return self._is_held

    def hear(self, echo: float) -> None:
        """Take a time of the agent's own clock that came back from the bridge."""
        ends = echo + LEASE_S
        self._ends = max(self._ends, ends) if self._is_held else ends
        self._is_held = True

    def age_s(self, now: float) -> float:
        """Seconds since the agent sent the sign of life by which the lease was prolonged; 0 before
        the first."""
        return max(0.0, now + LEASE_S - self._ends)

    def is_over(self, now: float) -> bool:
        """Whether another agent may have taken its trials."""
        return now > self._ends


def is_certainly_over(heard_at: float, now: float) -> bool:
    """Whether an agent that was last heard then, by the clock of the bridge, has ended its
    attempts."""
    return now > heard_at + LEASE_S + _KILL_S
