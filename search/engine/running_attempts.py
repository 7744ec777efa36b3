"""The attempts that run, as the coordinator remembers them, and failures one after another."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path

from search.engine.attempt_end import Outcome, last_words_of
from search.engine.logger_closing import CLOSE, CLOSE_S
from search.engine.watchdog import Pace
from search.errors import StudyFailed
from search.executors.processes import is_stopped
from search.layout import TrialFolder
from search.messages import PAUSED, Ended, Probed, Reported, Started
from search.plain.host_memory import kernel_memory_kills
from search.store.study_state import MAX_FAILURES_IN_A_ROW

_LOOK_S = 1.0
# between two looks only where the coordinator itself was stopped or the machine slept
_ABSENCE_S = 5.0


@dataclass
class Running:
    """One attempt that occupies a slot."""

    number: int
    """Number of its trial."""
    slot: int
    """Index of the slot."""
    task: str
    """Task of the attempt."""
    folder: TrialFolder
    """Folder of the trial, or of the probe."""
    key: str = ""
    """Group of trials that its probe is for."""
    pid: int = 0
    """Its process; 0 until that is known."""
    started_at: float = field(default_factory=time.monotonic)
    """Start on the monotonic clock, later by the time in which it was stopped."""
    pace: Pace = field(default_factory=lambda: Pace(time.monotonic()))
    """Signs of life."""
    memory_kills: int = field(default_factory=kernel_memory_kills)
    """Kills of the kernel for memory before its start."""
    started: Started | None = None
    """Message that says what it uses; None before."""
    reported: Reported | None = None
    """Last report; None before."""
    reported_at: float = 0.0
    """Time of that report, on the monotonic clock."""
    last_words: Ended | Probed | None = None
    """Message at its end; None before, and where it had none."""
    told_at: float = math.inf
    """Time of that message, in seconds since 1970."""
    ended_as: str | None = None
    """Cause for which the coordinator killed it."""
    why: str | None = None
    """That cause in a sentence."""
    looked_at: float = field(default_factory=time.monotonic)
    """Last look at it, on the monotonic clock."""

    def look(self, now: float) -> None:
        """Leave the time since the last look out of the attempt's age and silence where it, or
        the coordinator, was stopped: SIGSTOP, Ctrl-Z, a machine that slept."""
        passed = now - self.looked_at
        if passed < _LOOK_S:
            return
        self.looked_at = now
        if passed > _ABSENCE_S or (self.pid and is_stopped(self.pid)):
            self.started_at += passed
            self.pace.forgive(passed)

    def hear_other_ranks(self) -> None:
        """Take the last words of another rank where it failed before this one spoke."""
        self.last_words = last_words_of(self.last_words, self.folder, self.told_at)

    def overdue(self, now: float, limit_s: float | None) -> str | None:
        """Why the attempt is taken to hang; None where it may go on.

        Args:
            limit_s: seconds that one may take; None is no limit.
        """
        if self.task == CLOSE:
            limit_s = CLOSE_S
        if limit_s is not None and now - self.started_at > limit_s:
            return f"no end within {limit_s:g} s"
        if self.pace.is_hung(now):
            return f"no step for {now - self.pace.last:.0f} s"
        return None


class FailureStreak:
    """Trials that failed one after another with one cause; enough of them end a study."""

    def __init__(self) -> None:
        self._causes: list[str] = []
        self.verdict: StudyFailed | None = None

    def note(self, state: str, outcome: Outcome, log: Path, trace: str | None) -> bool:
        """Count a trial that reached `state`; returns whether the study is to end now.

        Args:
            log: the log of the trial.
            trace: its traceback, where it has one.
        """
        if outcome.cause == PAUSED:
            # it trained as it should
            self._causes.clear()
        if state == "WAITING":
            return False
        if state != "FAIL":
            self._causes.clear()
            return False
        if self._causes and self._causes[-1] != outcome.cause:
            self._causes.clear()
        self._causes.append(outcome.cause)
        if len(self._causes) < MAX_FAILURES_IN_A_ROW or self.verdict is not None:
            return False
        self.verdict = StudyFailed(
            f"{(trace or outcome.message or '').rstrip()}\n\n{MAX_FAILURES_IN_A_ROW} trials in a "
            f"row ended with the cause {outcome.cause}: {outcome.message}\n"
            f"Log of the last: {log}"
        )
        return True
