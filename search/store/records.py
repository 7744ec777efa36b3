"""A study as it is shown: plain frozen data for view, report and commands."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from search.layout import TrialFolder
from search.space.distributions import Space
from search.store.pareto_front import front_of
from search.store.warm_start import WarmStart
from search.study_file.curve_steps import Steps
from search.study_file.objective import sign_of
from search.study_file.stopping_rules import Gain, StoppingRules
from search.study_file.value_checkpoint import kept_checkpoint

FINISHED = ("COMPLETE", "PRUNED", "FAIL")


@dataclass(frozen=True)
class AttemptRecord:
    """One process that worked on a trial."""

    number: int
    pid: int
    boot_id: str
    started: datetime
    # None while it runs
    ended: datetime | None = None
    cause: str | None = None
    # one line
    message: str | None = None
    # the machine that it ran on; empty for that of the coordinator
    node: str = ""


@dataclass(frozen=True)
class AuditRecord:
    """A condemned trial that runs on to its end all the same."""

    # pruned or closed, as it would have been
    verdict: str
    # last step of its curve by then
    step: int
    # the reason of that verdict; None where there is none to tell
    why: str | None
    # when it was condemned
    time: datetime


@dataclass(frozen=True)
class BranchRecord:
    """Where a trial began that goes on from the checkpoint of another."""

    # number of that other trial
    source: int
    # last step and epochs behind the checkpoint
    step: int
    epoch: int
    # number of the trial whose place it took
    replaces: int


@dataclass(frozen=True)
class TrialRecord:
    """One sampled configuration."""

    number: int
    # Optuna's WAITING, RUNNING, COMPLETE, PRUNED or FAIL
    state: str
    # by the full path of the space
    params: dict[str, Any]
    # that of the first objective
    value: float | None
    # reported metric by step; 1 = the first validation
    curve: dict[int, float]
    folder: Path
    # done, pruned, paused, infeasible, diverged, oom, killed, lost, hung, interrupted or error;
    # None before the first attempt ended
    cause: str | None = None
    # one line
    message: str | None = None
    started: datetime | None = None
    ended: datetime | None = None
    micro_batch: int | None = None
    accumulation: int | None = None
    effective_batch: int | None = None
    # what follows from `params`
    derived: dict[str, object] = field(default_factory=dict)
    attempts: tuple[AttemptRecord, ...] = ()
    # the trial of another study that this one was taken over from
    taken_from: str | None = None
    # one for each objective
    values: tuple[float, ...] = ()
    parameters: int | None = None
    # seconds
    epoch_time: float | None = None
    # bytes
    peak_memory: int | None = None
    # seconds of training between two checkpoints
    saved_every_s: float | None = None
    # trained by all attempts together, those repeated after a kill included
    epochs: int = 0
    # logged ones at the checkpoint that is kept, where they are more than the objective
    metrics: dict[str, float] = field(default_factory=dict)
    # the outcome constraints that are violated
    infeasible: tuple[str, ...] = ()
    # it waits for its scheduler to choose it
    is_paused: bool = False
    # it was ended while it waited
    is_closed: bool = False
    # the reason of the verdict by which it was ended or waits; None where it has none
    why: str | None = None
    # None where it was not condemned, or stopped by that
    audited: AuditRecord | None = None
    # those of a training to the end; None where that has no bound, or is not known
    max_epochs: int | None = None
    # the highest epoch that was reported
    furthest_epoch: int = 0
    # the paths whose values are those of the configuration itself
    baseline: tuple[str, ...] = ()
    # the trial of an earlier study that had these values, or most of them
    warm_origin: str | None = None
    # None where it began by itself
    branch: BranchRecord | None = None

    @property
    def node(self) -> str:
        """The machine of the last attempt; empty for that of the coordinator, or before one."""
        return self.attempts[-1].node if self.attempts else ""

    @property
    def branch_text(self) -> str | None:
        """`branched from trial 7 at epoch 3`; None where it began by itself."""
        if self.branch is None:
            return None
        return f"branched from trial {self.branch.source} at epoch {self.branch.epoch}"

    @property
    def duration_s(self) -> float | None:
        """Seconds from the first start to the end; None while unfinished."""
        if self.started is None or self.ended is None:
            return None
        return (self.ended - self.started).total_seconds()

    @property
    def is_finished(self) -> bool:
        return self.state in FINISHED

    @property
    def state_word(self) -> str:
        """The state in a word: paused, or Optuna's in lower case."""
        return "paused" if self.is_paused else self.state.lower()

    @property
    def repeats_s(self) -> float | None:
        """Seconds of training that are repeated at most where the attempt is killed: those between
        two checkpoints, and an epoch; None where nothing is known, or nothing repeated."""
        if self.saved_every_s is None or self.epoch_time is None or self.is_finished:
            return None
        return self.saved_every_s + self.epoch_time

    @property
    def checkpoint(self) -> Path | None:
        """The checkpoint that the value belongs to; None where it is not kept."""
        return kept_checkpoint(TrialFolder(self.folder))


@dataclass(frozen=True)
class ObjectiveRecord:
    """A metric that is judged."""

    metric: str
    # minimize or maximize
    direction: str


@dataclass(frozen=True, kw_only=True)
class StudyAttributes:
    """The facts of a study as a whole; enough to show it without its study file."""

    objectives: tuple[ObjectiveRecord, ...]
    # the objective's metric that the curves hold
    reported: str
    # what a trial must keep to
    outcome_constraints: tuple[str, ...] = ()
    # the total of trials last asked for
    n_trials: int | None
    # the rules last asked for that stop it beside that total
    stopping: StoppingRules = field(default_factory=StoppingRules)
    space: Space
    # sampler, pruner, scheduler and seed
    settings: dict[str, Any] = field(default_factory=dict)
    # None: validations, in a study of an earlier release
    steps: Steps | None = None

    @property
    def is_multi_objective(self) -> bool:
        return len(self.objectives) > 1

    @property
    def reported_index(self) -> int:
        """The place among the objectives of the one whose metric trials report."""
        metrics = [each.metric for each in self.objectives]
        return metrics.index(self.reported)


@dataclass(frozen=True, kw_only=True)
class StudyRecord(StudyAttributes):
    """One study with its trials."""

    name: str
    folder: Path
    # its database, without its password
    storage: str
    trials: tuple[TrialRecord, ...]
    is_running: bool = False
    # when a running study was read
    read_at: datetime | None = None
    # why none of its trials can start
    paused: str | None = None
    # what was taken over of earlier studies
    warm_start: WarmStart = field(default_factory=WarmStart)
    # what was left to gain when that was nothing but noise
    gain: Gain | None = None

    @property
    def metric(self) -> str:
        """The metric of the first objective."""
        return self.objectives[0].metric

    @property
    def direction(self) -> str:
        """The direction of the first objective."""
        return self.objectives[0].direction

    @property
    def best(self) -> TrialRecord | None:
        """The complete, feasible trial with the best value, the earliest of equals; None without
        one, and where several objectives make it a matter of taste."""
        return None if self.is_multi_objective else next(iter(self.ranked), None)

    @property
    def ranked(self) -> list[TrialRecord]:
        """The complete, feasible trials by the value of the first objective, the best first and
        the earliest of equals."""
        sign = sign_of(self.direction)
        valued = [t for t in self._results if t.value is not None]
        return sorted(valued, key=lambda t: (sign * (t.value or 0.0), t.number))

    @property
    def front(self) -> tuple[TrialRecord, ...]:
        """The complete, feasible trials that no other is better than in every objective, by the
        first; with one objective the best trial alone."""
        if not self.is_multi_objective:
            return () if self.best is None else (self.best,)
        trials = [t for t in self._results if len(t.values) == len(self.objectives)]
        places = front_of([t.values for t in trials], [each.direction for each in self.objectives])
        sign = sign_of(self.direction)
        front = (trials[place] for place in places)
        return tuple(sorted(front, key=lambda t: (sign * t.values[0], t.number)))

    def of_objective(self, index: int) -> StudyRecord:
        """The study as if it had only the objective at this place; its curves only where they are
        those of that objective."""
        if not self.is_multi_objective:
            return self
        objective = self.objectives[index]
        is_reported = objective.metric == self.reported
        trials = (
            replace(
                trial,
                value=trial.values[index] if trial.values else None,
                curve=trial.curve if is_reported else {},
            )
            for trial in self.trials
        )
        return replace(
            self, objectives=(objective,), reported=objective.metric, trials=tuple(trials)
        )

    @property
    def finished(self) -> int:
        return sum(t.is_finished for t in self.trials)

    @property
    def _results(self) -> list[TrialRecord]:
        return [t for t in self.trials if t.state == "COMPLETE" and not t.infeasible]
