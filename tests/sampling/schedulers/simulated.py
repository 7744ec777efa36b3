"""Schedulers simulated without a process, on curves that are known beforehand."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from search.sampling.schedulers.scheduler import Decision, Scheduler
from search.space.distributions import Params


def decided(scheduler: Scheduler, number: int, step: int, value: float) -> Decision:
    """What becomes of a trial that reports."""
    scheduler.report(number, step, value)
    return scheduler.decide(number)


@dataclass
class Run:
    """A study of curves: what each trial was trained, and in which order it was worked on."""

    curves: Sequence[Mapping[int, float]]
    params: Sequence[Params] = ()
    steps: Counter[int] = field(default_factory=Counter)
    complete: list[int] = field(default_factory=list)
    worked_on: list[int] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        return sum(self.steps.values())

    def begin(self, scheduler: Scheduler, number: int) -> None:
        """Tell a scheduler of a new trial."""
        scheduler.begin(number, self.params[number] if self.params else {"number": number})


def run(
    scheduler: Scheduler,
    curves: Sequence[Mapping[int, float]],
    workers: int = 1,
    params: Sequence[Params] = (),
) -> Run:
    """Train trials as the coordinator does, with an epoch a step of the clock."""
    run, clock, begun = Run(curves, params), 0, 0
    # when its next report is due, in which order it was begun, number
    busy: list[tuple[int, int, int]] = []
    while True:
        while len(busy) < workers:
            chosen = scheduler.choose()
            if chosen is None and begun == len(curves) and not busy:
                chosen = scheduler.choose_last()
            if chosen is None and begun == len(curves):
                break
            number = begun if chosen is None else chosen.number
            if chosen is None:
                run.begin(scheduler, number)
                begun += 1
            else:
                run.reasons.append(chosen.why)
            run.worked_on.append(number)
            heapq.heappush(busy, (clock + 1, len(run.worked_on), number))
        if not busy:
            return run
        clock, order, number = heapq.heappop(busy)
        run.steps[number] += 1
        step = run.steps[number]
        decision = decided(scheduler, number, step, curves[number][step])
        if step == len(curves[number]):
            assert not decision.pauses, "a trial cannot wait after its last epoch"
            scheduler.end(number, is_complete=True, is_failed=False)
            run.complete.append(number)
        elif decision.pauses:
            run.reasons.append(decision.why)
            scheduler.pause(number)
        else:
            heapq.heappush(busy, (clock + 1, order, number))
