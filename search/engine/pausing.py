"""The scheduler of a study that is open, and what it has said."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence

from search.sampling.audit import Audit
from search.sampling.schedulers.scheduler import (
    GOES_ON,
    BranchProposal,
    Decision,
    Origin,
    Scheduler,
)
from search.store.events.trial_history import TrialHistory
from search.study_file.stopping_rules import Gain

# a process takes so long until a trial goes on in it, and no more than this part of what it trains
_PROCESS_S = 0.1
_PART = 0.1


def first_pause(steps: int, seconds: float) -> int:
    """Steps that a trial trains at a time at least, of which `steps` took so many seconds."""
    return max(1, math.ceil(steps * _PROCESS_S / _PART / max(seconds, 1e-6)))


class Pausing:
    """Which trials wait, and which of them go on.

    Args:
        make: makes the scheduler, of the steps that are trained before the first pause at least;
            None where the study has none.
        trials: those of the study, by number; grows with it.
        first: those steps; None while they are not known, and no trial is paused.
        audit: which of those run to their end that would be closed.
    """

    def __init__(
        self,
        make: Callable[[int], Scheduler | None],
        trials: Sequence[TrialHistory],
        first: int | None,
        audit: Audit,
    ) -> None:
        self._make = make
        self._trials = trials
        self._audit = audit
        self._scheduler: Scheduler | None = None
        # what is to be told of those that were chosen and have not begun
        self._chosen: dict[int, Mapping[str, object]] = {}
        self.is_begun = False
        self.begin(1 if first is None else first)
        self.is_begun = first is not None or self._scheduler is None

    def begin(self, first: int) -> None:
        """Make the scheduler anew, and bring it to where the study stands."""
        self.is_begun = True
        self._scheduler = self._make(first)
        if self._scheduler is None:
            return
        for trial in self._trials:
            if trial.taken_from is not None and self._scheduler.branches:
                # its checkpoints are another study's
                continue
            self._tell_begin(trial)
            for step, value in sorted(trial.curve.items()):
                if trial.audited is not None and step > trial.audited.step:
                    break
                self._scheduler.report(trial.number, step, value)
            self._tell_end(trial)

    @property
    def is_needed(self) -> bool:
        """False where no trial is ever paused."""
        return self._scheduler is not None

    @property
    def paused(self) -> list[int]:
        """Numbers of the trials that wait to be chosen."""
        if self._scheduler is None:
            return []
        return [each.number for each in self._trials if self.holds(each.number)]

    def holds(self, number: int) -> bool:
        """Tell whether a trial goes on only if it is chosen."""
        # one that is being sampled has no history yet
        if self._scheduler is None or number >= len(self._trials) or number in self._chosen:
            return False
        trial = self._trials[number]
        if self.branches and not trial.is_ready:
            # it was cut off before its checkpoint, and goes on until it has one for others
            return False
        return trial.is_paused

    def decide(self, number: int, step: int, value: float) -> Decision:
        """What becomes of a trial that reports."""
        if self._scheduler is None or not self.is_begun:
            return GOES_ON
        self._scheduler.report(number, step, value)
        return self._scheduler.decide(number)

    def predicted(self, number: int) -> float | None:
        """The value that the scheduler predicts a paused trial to come to; None where it does
        not."""
        return None if self._scheduler is None else self._scheduler.predicted(number)

    def gain(self) -> Gain | None:
        """The most that is left to gain; None where the scheduler does not know it."""
        return None if self._scheduler is None else self._scheduler.gain()

    def note_begin(self, number: int) -> None:
        """Note a trial that was sampled."""
        self._tell_begin(self._trials[number])

    @property
    def branches(self) -> bool:
        """True where trials may begin at the checkpoints of others."""
        return self._scheduler is not None and self._scheduler.branches

    @property
    def wants_new(self) -> bool:
        """False where no trial is to be sampled now."""
        return self._scheduler is None or self._scheduler.wants_new

    def propose(self, number: int, sources: Mapping[int, Collection[int]]) -> BranchProposal | None:
        """The trial that begins now at the checkpoint of another, as `Scheduler.propose`."""
        return None if self._scheduler is None else self._scheduler.propose(number, sources)

    def note_end(self, number: int) -> None:
        """Note how a trial stands after an attempt at it."""
        # one that was chosen may have ended before it began
        self._chosen.pop(number, None)
        self._tell_end(self._trials[number])

    def choose(self, *, is_idle: bool) -> int | None:
        """A paused trial that is worth it, or audited where it is not; None where none is.

        Args:
            is_idle: nothing runs or will begin that could change what is chosen: what is not
                chosen now never is.
        """
        if self._scheduler is None:
            return None
        chosen = self._scheduler.choose()
        if chosen is None and is_idle:
            chosen = self._scheduler.choose_last()
        if chosen is not None:
            self._chosen[chosen.number] = {"why": chosen.why}
            return chosen.number
        return self._audited() if is_idle else None

    def give_up(self) -> int:
        """The paused trial that is least worth the disk of its checkpoints; there must be one."""
        assert self._scheduler is not None
        return self._scheduler.give_up()

    def begin_chosen(self, number: int) -> Mapping[str, object]:
        """What the event of the attempt says of the choice of its trial, once; nothing where it was
        not chosen."""
        return self._chosen.pop(number, {})

    def _audited(self) -> int | None:
        """A paused trial that runs to its end, which the scheduler does not want any more."""
        number = next((each for each in self.paused if self._audit.takes(each)), None)
        if number is not None:
            self._chosen[number] = {"audited": True, "why": self._trials[number].why}
            self._tell_audited(number)
        return number

    def _tell_audited(self, number: int) -> None:
        """Let the scheduler go on as if a trial had been stopped when it was condemned."""
        assert self._scheduler is not None
        self._scheduler.end(number, is_complete=False, is_failed=False)

    def _tell_begin(self, trial: TrialHistory) -> None:
        if self._scheduler is None:
            return
        if trial.branch is None:
            self._scheduler.begin(trial.number, trial.params)
        else:
            branch = trial.branch
            origin = Origin(branch.source, branch.step, branch.replaces)
            self._scheduler.branch(trial.number, trial.params, origin)

    def _tell_end(self, trial: TrialHistory) -> None:
        if self._scheduler is None:
            return
        if trial.audited is not None:
            self._tell_audited(trial.number)
        elif trial.is_finished:
            is_failed = trial.state == "FAIL"
            self._scheduler.end(
                trial.number, is_complete=trial.state == "COMPLETE", is_failed=is_failed
            )
        elif self.holds(trial.number):
            self._scheduler.pause(trial.number)
        elif trial.told_at is not None and trial.is_ready:
            self._scheduler.note_chosen(trial.number)
