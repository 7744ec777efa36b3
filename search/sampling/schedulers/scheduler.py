"""What a scheduler is asked: what becomes of a trial that reports, and of a slot that is free.

Schedulers are pure: they know numbers and curves, no process, no file and not Optuna. What they
are told of an earlier run, in the order of its trials, brings them to where they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from search.study_file.curve_steps import Steps


@dataclass(frozen=True)
class Curves:
    """The meaning of what trials report."""

    sign: float
    """1 where small values are good, -1 where large ones are."""
    keeps_best: bool
    """True where the best value so far counts at a step, not that of the step."""
    steps: Steps | None
    """Unit of the steps; None in a study of an earlier release."""
    last: int | None
    """Step at which a trial is trained to its end; None where that is not known."""


@dataclass(frozen=True)
class Decision:
    """What becomes of a trial that reported."""

    pauses: bool
    why: str = ""
    """The reason with its figures, in words that follow "paused: "; empty where it goes on."""


@dataclass(frozen=True)
class Chosen:
    """A paused trial that goes on."""

    number: int
    why: str
    """The reason with its figures, in words that follow "goes on: "."""


class Scheduler(Protocol):
    """Decides on pausing and going on; values are as trials report them."""

    def report(self, number: int, step: int, value: float) -> Decision:
        """Note the value of a step, later than those before, and decide on its trial."""
        ...

    def pause(self, number: int) -> None:
        """Note that a trial waits to be chosen, as was decided at its last report."""
        ...

    def end(self, number: int, *, is_complete: bool, is_failed: bool) -> None:
        """Note that a trial has ended: trained to its end, or failed, which makes its values those
        of nothing that could be chosen."""
        ...

    def choose(self) -> Chosen | None:
        """The paused trial that goes on now, from here on one that runs; None where a new one is
        to begin instead, or nothing."""
        ...

    def choose_last(self) -> Chosen | None:
        """The paused trial that goes on although none is good enough, where nothing else runs or
        will begin: a study ends with a trial that was trained to its end. None where it has one."""
        ...

    def give_up(self) -> int:
        """The paused trial that is least worth the disk of its checkpoints; there must be one."""
        ...
