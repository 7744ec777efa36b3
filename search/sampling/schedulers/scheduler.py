"""What a scheduler is asked: what becomes of a trial that reports, and of a slot that is free.

Schedulers are pure: they know numbers, points and curves, no process, no file and not Optuna. What
they decide depends on what they were told and not on when, so that they are where they were once
they are told of an earlier run in the order of its trials.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar

from search.space.distributions import Params
from search.study_file.curve_steps import Steps
from search.study_file.stopping_rules import Gain


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


@dataclass(frozen=True)
class Origin:
    """Where a trial comes from that goes on from the checkpoint of another."""

    source: int
    """Number of that other trial."""
    step: int
    """Last step behind the checkpoint."""
    replaces: int
    """Number of the trial whose place it takes."""


@dataclass(frozen=True)
class BranchProposal:
    """A new trial that is to go on from the checkpoint of another."""

    source: int
    step: int
    """Last step behind the checkpoint."""
    replaces: int
    """Number of the trial whose place it takes; one that waits ends with that."""
    params: Params
    why: str
    """The reason with its figures, a whole sentence."""


GOES_ON = Decision(pauses=False)


class Scheduler(ABC):
    """Decides on pausing and going on; values are as trials report them.

    One that begins new trials at the checkpoints of others says so by `branches`, and has methods
    of its own in the place of the last three here.
    """

    branches: ClassVar[bool] = False

    @abstractmethod
    def begin(self, number: int, params: Params) -> None:
        """Note a trial that was sampled."""

    @abstractmethod
    def report(self, number: int, step: int, value: float) -> None:
        """Note the value of a step, later than those before."""

    @abstractmethod
    def decide(self, number: int) -> Decision:
        """Decide on a trial after the report that was noted last."""

    @abstractmethod
    def pause(self, number: int) -> None:
        """Note that a trial waits to be chosen, as was decided at its last report."""

    @abstractmethod
    def end(self, number: int, *, is_complete: bool, is_failed: bool) -> None:
        """Note that a trial has ended: trained to its end, or failed, which makes its values those
        of nothing that could be chosen."""

    @abstractmethod
    def choose(self) -> Chosen | None:
        """The paused trial that goes on now, from here on one that runs; None where a new one is
        to begin instead, or nothing."""

    @abstractmethod
    def choose_last(self) -> Chosen | None:
        """The paused trial that goes on although none is good enough, where nothing else runs or
        will begin: a study ends with a trial that was trained to its end. None where it has one."""

    @abstractmethod
    def give_up(self) -> int:
        """The paused trial that is least worth the disk of its checkpoints; there must be one."""

    def predicted(self, number: int) -> float | None:
        """The value that a paused trial would come to, as its curve and others tell; None where
        nothing is predicted, and its last value stands for it."""
        return None

    def gain(self) -> Gain | None:
        """The most that is left to gain on the best complete trial; None where that is not known.

        Asked while a slot is free."""
        return None

    def note_chosen(self, number: int) -> None:
        """Note that a trial of an earlier run waited, and went on."""
        assert not self.branches, "one that branches has to know"

    @property
    def wants_new(self) -> bool:
        """False where no trial is to be sampled now."""
        return True

    def propose(self, number: int, sources: Mapping[int, Collection[int]]) -> BranchProposal | None:
        """The trial that is to begin now at the checkpoint of another, before any goes on; None
        where none is.

        Args:
            number: the one that it would have.
            sources: of those that are not over, the steps behind the checkpoints with which they
                have waited and that are kept.
        """
        return None

    def branch(self, number: int, params: Params, origin: Origin) -> None:
        """Note a trial that began at the checkpoint of another."""
        self.begin(number, params)
