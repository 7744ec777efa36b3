"""The watch over the limits of a running study, kept up with each of its events."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from search.engine.deadline import Deadline
from search.store.records import StudyRecord, TrialRecord
from search.store.study_state import attempt_s, counted_value, spent_by
from search.study_file.stopping_rules import Gain, Spent, figures, reached


class BudgetWatch:
    """Knows at any time whether the limits of a run and of its study let it go on.

    Args:
        record: the study while none of its trials runs.
        deadline: the end of the run's time.
        clock: seconds since 1970, by which attempts are dated.
    """

    def __init__(
        self, record: StudyRecord, deadline: Deadline, clock: Callable[[], float] = time.time
    ) -> None:
        self._deadline = deadline
        self._rules = record.stopping
        self._direction = record.direction
        self._is_multi_objective = record.is_multi_objective
        self._clock = clock
        # nobody asks for the figures of a study without rules
        self._spent = spent_by(record) if self._rules.names else Spent()
        self._epochs = {trial.number: trial.epochs for trial in record.trials}
        # number of a trial whose attempt runs -> when that began
        self._began: dict[int, float] = {}

    @property
    def counts_epochs(self) -> bool:
        """True where attempts have to wait at each report: the next epoch may be one too many."""
        return self._rules.epochs is not None

    @property
    def over(self) -> str | None:
        """The limit that is reached: timeout, or budget for a rule of the study; None before."""
        if self._deadline.is_over:
            return "timeout"
        if not self._rules.names:
            return None
        return "budget" if reached(self._rules, self._now, self._direction) else None

    def note_gain(self, expected: Callable[[], Gain | None]) -> Gain | None:
        """What is left to gain, where that is nothing but noise and stops the study by that; None
        where it does not.

        Args:
            expected: asks the scheduler; None where it does not know.
        """
        spent = self._spent
        limit = self._rules.no_gain
        if limit is None or spent.gain is not None or spent.full_since_best < limit:
            return None
        gain = expected()
        if gain is None or not gain.is_noise:
            return None
        self._spent = replace(spent, gain=gain)
        return gain

    @property
    def figures(self) -> tuple[str, ...]:
        """How far each rule of the study has come, in words."""
        return tuple(figures(self._rules, self._now).values())

    @property
    def _now(self) -> Spent:
        """The figures with the time of the attempts that run."""
        now = self._clock()
        running_s = sum(now - began for began in self._began.values())
        return replace(self._spent, cost_s=self._spent.cost_s + running_s)

    def begin(self, number: int) -> None:
        """Take note of an attempt that begins."""
        self._began[number] = self._clock()

    def report(self, number: int, epochs: int) -> None:
        """Take note of the epochs that all attempts at a trial have trained together."""
        more = epochs - self._epochs.get(number, 0)
        self._epochs[number] = epochs
        self._spent = replace(self._spent, epochs=self._spent.epochs + more)

    def end(self, trial: TrialRecord) -> None:
        """Take note of an attempt that has ended, and of its trial where that has with it."""
        # one that did not come to a process of its own may be none at all
        if trial.number in self._began:
            self.end_attempt(trial.number, attempt_s(trial.attempts[-1], None))
        if trial.is_finished:
            self.finish_trial(counted_value(trial))

    def end_attempt(self, number: int, seconds: float) -> None:
        """Take note of an attempt that has ended after so many seconds, if it had begun."""
        if self._began.pop(number, None) is not None:
            self._spent = replace(self._spent, cost_s=self._spent.cost_s + seconds)

    def finish_trial(self, value: float | None) -> None:
        """Take note of a trial that has finished; None for a value that cannot be the best."""
        if not self._is_multi_objective:
            self._spent = self._spent.after_trial(value, self._direction)
