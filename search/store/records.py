"""What the ledger says of a study: plain frozen data for view, report and commands."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from search.layout import TrialFolder
from search.space.distributions import Space
from search.store.pareto_front import front_of
from search.study_file.curve_steps import Steps
from search.study_file.objective import sign_of
from search.study_file.value_checkpoint import kept_checkpoint


@dataclass(frozen=True)
class AttemptRecord:
    """One process that worked on a trial. `ended` and `cause` are None while it runs."""

    number: int
    pid: int
    boot_id: str
    started: datetime
    ended: datetime | None = None
    cause: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class TrialRecord:
    """One sampled configuration.

    `params` is keyed by the full path of the space; `curve` maps the step of a report (1 = the
    first validation) to the reported metric; `state` is one of Optuna's WAITING, RUNNING,
    COMPLETE, PRUNED, FAIL; `cause` one of done, pruned, infeasible, diverged, oom, killed, hung,
    interrupted, error (None before the first attempt ended); `message` is one line; `taken_from`
    names the trial of another study that this one was taken over from; `derived` is what follows
    from `params`.

    `values` has one for each objective, `value` is the first of them. `epoch_time` is in seconds,
    `peak_memory` in bytes, `metrics` are logged ones at the checkpoint that is kept where they
    are more than the objective; `infeasible` are the outcome constraints that are violated.
    """

    number: int
    state: str
    params: dict[str, Any]
    value: float | None
    curve: dict[int, float]
    folder: Path
    cause: str | None = None
    message: str | None = None
    started: datetime | None = None
    ended: datetime | None = None
    micro_batch: int | None = None
    accumulation: int | None = None
    effective_batch: int | None = None
    derived: dict[str, Any] = field(default_factory=dict)
    attempts: tuple[AttemptRecord, ...] = ()
    taken_from: str | None = None
    values: tuple[float, ...] = ()
    parameters: int | None = None
    epoch_time: float | None = None
    peak_memory: int | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    infeasible: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float | None:
        """Seconds from the first start to the end; None while unfinished."""
        if self.started is None or self.ended is None:
            return None
        return (self.ended - self.started).total_seconds()

    @property
    def is_finished(self) -> bool:
        return self.state in ("COMPLETE", "PRUNED", "FAIL")

    @property
    def checkpoint(self) -> Path | None:
        """The checkpoint that the value belongs to; None where it is not kept."""
        return kept_checkpoint(TrialFolder(self.folder))


@dataclass(frozen=True)
class ObjectiveRecord:
    """What is judged: a metric and its direction, minimize or maximize."""

    metric: str
    direction: str


@dataclass(frozen=True)
class StudyRecord:
    """One study. `asked` is the total of trials last asked for; `storage` shows no password.

    `metric` and `direction` are the first objective; `several` are all where there are more.
    `reported` is the metric of the curves, `steps` what their steps count (None: validations, in a
    study of an earlier release), `outcome_constraints` what a trial must keep to. `read_at` is when
    a running study was read, `paused` why none of its trials can start.
    """

    name: str
    folder: Path
    storage: str
    metric: str
    direction: str
    space: Space
    asked: int | None
    trials: tuple[TrialRecord, ...]
    is_running: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    several: tuple[ObjectiveRecord, ...] = ()
    reported: str | None = None
    outcome_constraints: tuple[str, ...] = ()
    steps: Steps | None = None
    read_at: datetime | None = None
    paused: str | None = None

    @property
    def objectives(self) -> tuple[ObjectiveRecord, ...]:
        """Every objective, one or several."""
        return self.several or (ObjectiveRecord(self.metric, self.direction),)

    @property
    def best(self) -> TrialRecord | None:
        """The complete, feasible trial with the best value, the earliest of equals; None without
        one, and where several objectives make it a matter of taste."""
        return None if self.several else next(iter(self.ranked), None)

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
        if not self.several:
            return () if self.best is None else (self.best,)
        trials = [t for t in self._results if len(t.values) == len(self.several)]
        places = front_of([t.values for t in trials], [each.direction for each in self.several])
        sign = sign_of(self.direction)
        front = (trials[place] for place in places)
        return tuple(sorted(front, key=lambda t: (sign * t.values[0], t.number)))

    def of_objective(self, index: int) -> StudyRecord:
        """The study as if it had only the objective at this place; its curves only where they are
        those of that objective."""
        if not self.several:
            return self
        objective = self.several[index]
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
            self,
            metric=objective.metric,
            direction=objective.direction,
            trials=tuple(trials),
            several=(),
        )

    @property
    def reported_index(self) -> int:
        """The place among the objectives of the one whose metric trials report."""
        metrics = [each.metric for each in self.objectives]
        return metrics.index(self.reported) if self.reported in metrics else 0

    @property
    def finished(self) -> int:
        return sum(t.is_finished for t in self.trials)

    @property
    def _results(self) -> list[TrialRecord]:
        return [t for t in self.trials if t.state == "COMPLETE" and not t.infeasible]
