"""The attempts that run, as the coordinator remembers them, and failures one after another."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from search.engine.attempt_end import Outcome, last_words_of
from search.engine.logger_closing import CLOSE, CLOSE_S
from search.engine.watchdog import Pace
from search.errors import StudyFailed
from search.executors.processes import boot_id, is_stopped
from search.executors.protocol import Executor
from search.layout import TrialFolder
from search.messages import (
    HUNG,
    INTERRUPTED,
    KILLED,
    PAUSED,
    Ended,
    Launched,
    Message,
    Probed,
    Reported,
    Slot,
    SlotClosing,
    Started,
    Stop,
)
from search.store.study_state import MAX_FAILURES_IN_A_ROW

_LOOK_S = 1.0
# between two looks only where the coordinator itself was stopped or the machine slept
_ABSENCE_S = 5.0


@dataclass
class Running:
    """One attempt that occupies a slot."""

    number: int
    """Number of its trial."""
    slot: str
    """Name of the slot."""
    task: str
    """Task of the attempt."""
    folder: TrialFolder
    """Folder of the trial, or of the probe."""
    key: str = ""
    """Group of trials that its probe is for."""
    pid: int = 0
    """Its process on this machine; 0 until that is known, and on another one."""
    started_at: float = field(default_factory=time.monotonic)
    """Start on the monotonic clock, later by the time in which it was stopped."""
    pace: Pace = field(default_factory=lambda: Pace(time.monotonic()))
    """Signs of life."""
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
    slot_closes: bool = False
    """True where its executor has told it to save and to end, because the slot is taken back."""
    looked_at: float = field(default_factory=time.monotonic)
    """Last look at it, on the monotonic clock."""

    def launch(self, message: Launched) -> None:
        """Take note of its process, which is looked at where it is on this machine."""
        if message.boot_id in ("", boot_id()):
            self.pid = message.pid

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

    @property
    def needs_exit(self) -> bool:
        """Tell whether only its exit says what became of it: why a part of it was killed."""
        return isinstance(self.last_words, Ended) and self.last_words.cause == KILLED

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


class RunningAttempts:
    """The attempts that run, by name, and the orders to them."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._running: dict[str, Running] = {}
        self._launches = 0

    def __len__(self) -> int:
        return len(self._running)

    def __iter__(self) -> Iterator[Running]:
        return iter(self._running.values())

    def get(self, attempt: str) -> Running | None:
        """The attempt of this name; None where it has ended."""
        return self._running.get(attempt)

    def launch(self, running: Running, slot: Slot) -> None:
        """Start an attempt under a name that was never used before."""
        self._launches += 1
        attempt = f"{running.task}-{running.number}-{self._launches}"
        self._running[attempt] = running
        self._executor.start(attempt, running.task, running.folder, slot)

    def forget(self, attempt: str) -> None:
        """Leave out an attempt that has ended."""
        del self._running[attempt]

    def hear(self, slot: str, message: Message) -> None:
        """Take note of a slot that closes: what runs there is ended, and that is no fault of it."""
        if isinstance(message, SlotClosing):
            for running in self:
                running.slot_closes |= running.slot == slot

    def look(self, now: float, limit_s: float | None) -> None:
        """Kill those that hang.

        Args:
            limit_s: seconds that an attempt may take; None is no limit.
        """
        for attempt, running in self._running.items():
            running.look(now)
            if (why := running.overdue(now, limit_s)) is not None:
                self._kill(attempt, running, HUNG, why)

    def stop_all(self) -> None:
        """Let trials save and end, and what closes runs in loggers do that; end the rest now."""
        for attempt, running in self._running.items():
            if running.task == "fit":
                self._executor.send(attempt, Stop())
            elif running.task != CLOSE:
                self._kill(attempt, running, INTERRUPTED)

    def kill_all(self) -> None:
        """End all of them now."""
        for attempt, running in self._running.items():
            self._kill(attempt, running, INTERRUPTED)

    def _kill(self, attempt: str, running: Running, ended_as: str, why: str | None = None) -> None:
        if running.ended_as is None:
            running.ended_as, running.why = ended_as, why
            self._executor.kill(attempt, dump=ended_as == HUNG)


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
