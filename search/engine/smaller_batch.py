"""What follows when memory ran out in a trial: the next rung, a smaller micro-batch, or its end.

Each rung asks for less than the one before, so a trial has no more of them than its batch can be
halved; what makes the batch no smaller is no rung.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from search.engine.attempt_end import Outcome
from search.engine.batch_sizes import BatchPlan
from search.engine.trial_config import Batch, halved, rewrite_batch
from search.layout import TrialFolder
from search.messages import Started
from search.plain.tree import read_path
from search.plain.yaml import read_yaml


@dataclass(frozen=True)
class Rung:
    """What the end of an attempt means once the ladder was looked at, and the largest micro-batch
    with which later trials of the same memory should begin; None where that is not known."""

    outcome: Outcome
    limit: int | None = None


def next_rung(
    outcome: Outcome, started: Started | None, folder: TrialFolder, batches: BatchPlan
) -> Rung:
    """Give the trial in `folder` a smaller micro-batch, if that can help.

    Args:
        outcome: how the attempt ended, out of memory.
        started: what it said that it uses; None where it ended before.
        batches: where a micro-batch is written in a configuration, and which an epoch allows.
    """
    if started is None:
        # whatever took the memory, it was no batch; others may have left when it is tried again
        is_begun = folder.last_ckpt.exists()
        return Rung(replace(outcome, may_recur=is_begun))
    path = batches.path
    if started.micro_batch is None or path is None:
        return Rung(outcome)
    if started.fixed_accumulation is not None:
        return _end(outcome, f"no smaller batch is tried: {started.fixed_accumulation}")
    asked = read_path(read_yaml(folder.config), path)
    if isinstance(asked, int) and started.micro_batch > asked:
        return _end(
            outcome,
            f"no smaller batch is tried: {path} is {asked}, but batches of "
            f"{started.micro_batch} were used",
        )
    batch = Batch(started.micro_batch, started.accumulation)
    usable = batches.usable(has_batch_norm=started.has_batch_norm)
    smaller = halved(batch, usable)
    # not that of the trial, whose effective batch may have no smaller divisor
    limit = usable.up_to(batch.micro_batch // 2)
    if smaller is None and usable.has_batch_norm:
        why = "no smaller batch is tried: batch norm needs two samples in every batch"
        return Rung(replace(outcome, message=f"{outcome.message}; {why}"), limit)
    if smaller is None:
        return Rung(outcome)
    rewrite_batch(folder, path, batch, smaller)
    message = f"{outcome.message}; goes on in batches of {smaller}"
    return Rung(replace(outcome, message=message, goes_on=True), limit)


def _end(outcome: Outcome, why: str) -> Rung:
    return Rung(replace(outcome, message=f"{outcome.message}; {why}"))
