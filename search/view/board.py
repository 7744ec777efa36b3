"""The state of a running study as the views need it: a fold over the coordinator's events."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from search.engine.budget_watch import BudgetWatch
from search.engine.deadline import Deadline
from search.engine.progress import (
    BatchSizeFound,
    Event,
    Note,
    ProbeStarted,
    Stopping,
    StudyEnded,
    StudyOpened,
    TrialEnded,
    TrialReported,
    TrialStarted,
)
from search.engine.time_left import TimeLeft, TrialTime, trial_times, trials_time_left
from search.messages import PAUSED
from search.space.distributions import Params
from search.store.pareto_front import front_of
from search.store.records import StudyRecord
from search.study_file.objective import sign_of
from search.view.terminal_text import ENDS


@dataclass
class RunningTrial:
    """One trial that occupies a slot."""

    number: int
    phase: str
    """probing, training, pruning, pausing or stopping."""
    began: float
    """Time of the board's clock."""
    params: Params = field(default_factory=dict)
    node: str = ""
    """Machine that it runs on; empty for that of the coordinator."""
    attempt: int = 1
    epoch: int = 0
    max_epochs: int | None = None
    curve: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Best:
    """The best complete trial so far."""

    number: int
    value: float
    params: Params


class Board:
    """Folds events; asks `clock` for the time in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        # number -> time of the attempts that ended, the trial that ended last at the end
        self._times: dict[int, TrialTime] = {}
        self._params: dict[int, dict[str, Any]] = {}
        self.record: StudyRecord | None = None
        self.workers = 1
        self.threads: int | None = None
        self.engine: str | None = None
        self.running: dict[int, RunningTrial] = {}
        self.counts: Counter[str] = Counter()
        self.best: Best | None = None
        # of several objectives: numbers and values of the trials on the Pareto front
        self.front: dict[int, tuple[float, ...]] = {}
        self.ended: deque[TrialEnded] = deque(maxlen=5)
        self.notes: deque[str] = deque(maxlen=3)
        # None before the study is opened
        self.budget: BudgetWatch | None = None
        self.stopping = False
        self.reason: str | None = None

    @property
    def elapsed_s(self) -> float:
        """Seconds since this run began."""
        return self._clock() - self._began

    @property
    def finished(self) -> int:
        return sum(self.counts[state] for state in ENDS)

    @property
    def n_trials(self) -> int | None:
        return self.record.n_trials if self.record else None

    @property
    def time_left(self) -> TimeLeft | None:
        """Estimated seconds to go; None before the first trial ended, and without a total."""
        if self.n_trials is None:
            return None
        running = {
            number: TrialTime(self._ended_s(number) + self.age_s(trial))
            for number, trial in self.running.items()
        }
        times = {**self._times, **running}.values()
        return trials_time_left(times, n_trials=self.n_trials, workers=self.workers)

    def age_s(self, trial: RunningTrial) -> float:
        """Seconds since the trial's attempt began."""
        return self._clock() - trial.began

    def _ended_s(self, number: int) -> float:
        """Seconds of the attempts of a trial that ended."""
        return self._times[number].seconds if number in self._times else 0.0

    def fold(self, event: Event) -> None:
        """Bring the state up to date with one event."""
        match event:
            case StudyOpened():
                self._open(event)
            case ProbeStarted():
                self.running[event.number] = RunningTrial(event.number, "probing", self._clock())
            case BatchSizeFound():
                self.running.pop(event.number, None)
            case TrialStarted():
                self._start(event)
            case TrialReported():
                self._report(event)
            case TrialEnded():
                self._end(event)
            case Note():
                self.notes.append(event.text)
            case Stopping():
                self._stop()
            case StudyEnded():
                self.record, self.reason = event.record, event.reason
                self.running.clear()

    def is_better(self, value: float, other: float) -> bool:
        """Compare two values of the study's objective."""
        sign = sign_of(self.record.direction if self.record else "minimize")
        return sign * value < sign * other

    def _open(self, event: StudyOpened) -> None:
        self.record = event.record
        self.workers, self.threads = event.workers, event.threads
        self.engine = event.engine
        self.notes.clear()
        self.counts = Counter(trial.state for trial in event.record.trials)
        self._times = trial_times(event.record)
        self.budget = BudgetWatch(event.record, Deadline(None), self._clock)
        best = event.record.best
        if best is not None and best.value is not None:
            self.best = Best(best.number, best.value, best.params)
        if event.record.is_multi_objective:
            self.front = {trial.number: trial.values for trial in event.record.front}

    def _start(self, event: TrialStarted) -> None:
        curve: list[float] = []
        if self.record is not None:
            earlier = {trial.number: trial.curve for trial in self.record.trials}
            curve = list(earlier.get(event.number, {}).values())
        self._params[event.number] = event.params
        if self.budget is not None:
            self.budget.begin(event.number)
        self.running[event.number] = RunningTrial(
            event.number,
            "training",
            self._clock(),
            params=event.params,
            node=event.node,
            attempt=event.attempt,
            epoch=event.step,
            max_epochs=event.max_epochs,
            curve=curve,
        )

    def _report(self, event: TrialReported) -> None:
        if self.budget is not None:
            self.budget.report(event.number, event.epochs)
        trial = self.running.get(event.number)
        if trial is not None:
            trial.epoch = event.epoch
            trial.curve.append(event.value)
            if event.prune:
                trial.phase = "pruning"
            elif event.pause:
                trial.phase = "pausing"

    def _stop(self) -> None:
        self.stopping = True
        for trial in self.running.values():
            trial.phase = "stopping"

    def _end(self, event: TrialEnded) -> None:
        self.running.pop(event.number, None)
        self.ended.append(event)
        is_finished = event.state != "WAITING"
        seconds = self._ended_s(event.number) + event.duration_s
        self._times.pop(event.number, None)
        # one that is paused may never go on, as most do not
        self._times[event.number] = TrialTime(seconds, is_finished or event.cause == PAUSED)
        is_result = event.state == "COMPLETE" and not event.infeasible
        if self.budget is not None:
            self.budget.end_attempt(event.number, event.duration_s)
            if is_finished and not event.is_closed:
                self.budget.finish_trial(event.value if is_result else None)
        if not is_finished:
            return
        self.counts[event.state] += 1
        params = self._params.pop(event.number, {})
        if not is_result:
            return
        if self.record is not None and self.record.is_multi_objective:
            self._join_front(event.number, event.values, self.record)
            return
        value = event.value
        if value is not None and (self.best is None or self.is_better(value, self.best.value)):
            self.best = Best(event.number, value, params)

    def _join_front(self, number: int, values: tuple[float, ...], record: StudyRecord) -> None:
        """Add a trial to the front, and take off those that it dominates."""
        trials = {**self.front, number: values}
        numbers = list(trials)
        kept = front_of(list(trials.values()), [each.direction for each in record.objectives])
        self.front = {numbers[place]: trials[numbers[place]] for place in kept}
