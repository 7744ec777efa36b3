"""What the ledger says of a study: plain frozen data for view, report and commands."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from search.study.space import Space


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
    first validation) to the objective metric; `state` is one of Optuna's WAITING, RUNNING,
    COMPLETE, PRUNED, FAIL; `cause` one of done, pruned, diverged, oom, killed, hung,
    interrupted, error (None before the first attempt ended); `message` is one line; `taken_from`
    names the trial of another study that this one was taken over from; `derived` is what follows
    from `params`.
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

    @property
    def duration_s(self) -> float | None:
        """Seconds from the first start to the end; None while unfinished."""
        if self.started is None or self.ended is None:
            return None
        return (self.ended - self.started).total_seconds()

    @property
    def is_finished(self) -> bool:
        return self.state in ("COMPLETE", "PRUNED", "FAIL")


@dataclass(frozen=True)
class StudyRecord:
    """One study. `asked` is the total of trials last asked for; `storage` shows no password."""

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

    @property
    def best(self) -> TrialRecord | None:
        """The complete trial with the best value, the earliest of equals; None without one."""
        complete = [t for t in self.trials if t.state == "COMPLETE" and t.value is not None]
        if not complete:
            return None
        sign = 1.0 if self.direction == "minimize" else -1.0
        return min(complete, key=lambda t: (sign * (t.value or 0.0), t.number))

    @property
    def finished(self) -> int:
        return sum(t.is_finished for t in self.trials)
