"""What the coordinator tells the view while a study runs: one frozen dataclass an event."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from search.engine.attempt_end import Outcome
from search.space.distributions import Params
from search.store.records import StudyRecord, TrialRecord


@dataclass(frozen=True)
class StudyOpened:
    """The first event. `record` is the study as it stands; `workers` the number of slots, and
    `threads` the CPU threads of each, None where nothing is left to run; `engine` that of the
    cluster that it runs on, None for this machine."""

    record: StudyRecord
    workers: int
    resumed: bool
    threads: int | None = None
    engine: str | None = None


@dataclass(frozen=True)
class TrialStarted:
    """An attempt begins; `attempt` counts from 1, `step` is the last step already reported, `node`
    the machine that it runs on, empty for that of the coordinator."""

    number: int
    attempt: int
    params: Params
    step: int
    max_epochs: int | None
    node: str = ""


@dataclass(frozen=True)
class TrialReported:
    """One value of the reported metric. `prune` and `pause` are the verdict that was given.

    `epochs` are those that all attempts at the trial have trained together.
    """

    number: int
    step: int
    epoch: int
    value: float
    prune: bool
    pause: bool = False
    epochs: int = 0


@dataclass(frozen=True)
class TrialEnded:
    """A trial reached `state` (COMPLETE, PRUNED, FAIL, or WAITING when it will be resumed, or may
    be).

    `value` is what the attempt said, `values` those of all objectives, `infeasible` the outcome
    constraints that it violates, `is_closed` whether it was ended while it was paused.
    """

    number: int
    state: str
    cause: str
    value: float | None
    message: str | None
    duration_s: float
    log: Path
    values: tuple[float, ...] = ()
    infeasible: tuple[str, ...] = ()
    is_closed: bool = False

    @classmethod
    def of(cls, trial: TrialRecord, outcome: Outcome, duration_s: float, log: Path) -> TrialEnded:
        """The end of an attempt with an outcome, and its trial as it stands after that."""
        return cls(
            number=trial.number,
            state=trial.state,
            cause=outcome.cause,
            value=outcome.value,
            message=outcome.message,
            duration_s=duration_s,
            log=log,
            values=trial.values,
            infeasible=trial.infeasible,
            is_closed=trial.is_closed,
        )


@dataclass(frozen=True)
class ProbeStarted:
    """A batch-size probe begins for the trial `number`."""

    number: int


@dataclass(frozen=True)
class BatchSizeFound:
    """A probe ended: the largest micro-batch that ran, and how many sizes were run."""

    number: int
    micro_batch: int
    tried: int


@dataclass(frozen=True)
class Note:
    """One line that the user should see."""

    text: str


@dataclass(frozen=True)
class Stopping:
    """A signal was received; attempts are saving their checkpoints."""

    signal_number: int


@dataclass(frozen=True)
class StudyEnded:
    """The last event. `reason` is one of finished, timeout, budget, interrupted, failures."""

    record: StudyRecord
    reason: str
    elapsed_s: float


Event = (
    StudyOpened
    | TrialStarted
    | TrialReported
    | TrialEnded
    | ProbeStarted
    | BatchSizeFound
    | Note
    | Stopping
    | StudyEnded
)


class View(Protocol):
    """Shows events. `handle` gets each once, in order; `tick` is called about four times a second
    from the same thread; `close` once at the end, also after an exception."""

    def handle(self, event: Event) -> None: ...

    def tick(self) -> None: ...

    def close(self) -> None: ...


def tell_notes(view: View, lines: Iterable[str]) -> None:
    """Show each line as a `Note`."""
    for line in lines:
        view.handle(Note(line))
