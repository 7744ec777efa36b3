"""A smaller micro-batch for a trial whose memory ran out, of the same effective batch.

Each retry asks for less than the one before, so a trial has no more of them than its batch can be
halved; what makes the batch no smaller is not tried again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from search.engine.attempt_end import Outcome
from search.engine.batch_sizes import BatchPlan
from search.layout import TrialFolder
from search.messages import Started
from search.plain.tree import read_path, write_path
from search.study_file.micro_batches import ACCUMULATION, UsableSizes
from search.study_file.trial_config import LightningSections, read_trial_config


@dataclass(frozen=True)
class MicroBatch:
    """The batch of a trial, as its Trainer takes it."""

    # samples of one forward pass
    size: int
    # forward passes of one step of the optimizer
    accumulation: int

    def __str__(self) -> str:
        return f"{self.size} x {self.accumulation}"


@dataclass(frozen=True)
class Retry:
    """The next thing to do after out of memory."""

    # the end of the attempt, and whether the trial goes on
    outcome: Outcome
    # the largest micro-batch for later trials of the same memory; None where it is not known
    limit: int | None = None


def retry_smaller(
    outcome: Outcome, started: Started | None, folder: TrialFolder, batches: BatchPlan
) -> Retry:
    """Give the trial in `folder` a smaller micro-batch, if that can help.

    Args:
        outcome: how the attempt ended, out of memory.
        started: the batch that the attempt reported; None where it ended before.
        batches: where a micro-batch is written in a configuration, and which an epoch allows.
    """
    if started is None:
        # whatever took the memory, it was no batch; others may have left when it is tried again
        is_begun = folder.last_ckpt.exists()
        return Retry(replace(outcome, may_recur=is_begun))
    path = batches.path
    if started.micro_batch is None or path is None:
        return Retry(outcome)
    if started.fixed_accumulation is not None:
        return _end(outcome, f"no smaller batch is tried: {started.fixed_accumulation}")
    config = read_trial_config(folder.config)
    asked = read_path(config.sections.to_tree(), path)
    if isinstance(asked, int) and started.micro_batch > asked:
        return _end(
            outcome,
            f"no smaller batch is tried: {path} is {asked}, but batches of "
            f"{started.micro_batch} were used",
        )
    batch = MicroBatch(started.micro_batch, started.accumulation)
    usable = batches.usable(has_batch_norm=started.has_batch_norm)
    smaller = halved(batch, usable)
    # not that of the trial, whose effective batch may have no smaller divisor
    limit = usable.up_to(batch.size // 2)
    if smaller is None and usable.has_batch_norm:
        why = "no smaller batch is tried: batch norm needs two samples in every batch"
        return _end(outcome, why, limit)
    if smaller is None:
        return Retry(outcome)
    sections = _with_batch(config.sections, path, batch, smaller, started.in_batches)
    replace(config, sections=sections).write(folder.config)
    message = f"{outcome.message}; goes on in batches of {smaller}"
    return Retry(replace(outcome, message=message, goes_on=True), limit)


def halved(batch: MicroBatch, usable: UsableSizes) -> MicroBatch | None:
    """The largest usable micro-batch of at most half the size with the same effective batch; None
    where there is none."""
    effective = batch.size * batch.accumulation
    size = next(usable.divisors(effective, batch.size // 2), None)
    return None if size is None else MicroBatch(size, effective // size)


def _with_batch(
    sections: LightningSections,
    path: str,
    before: MicroBatch,
    after: MicroBatch,
    in_batches: Mapping[str, int],
) -> LightningSections:
    """Another micro-batch and accumulation; what the Trainer counts in batches keeps its
    samples."""
    tree = sections.to_tree()
    write_path(tree, path, after.size)
    write_path(tree, ACCUMULATION, after.accumulation)
    for name, count in in_batches.items():
        tree["trainer"][name] = -(-count * before.size // after.size)
    return LightningSections.from_tree(tree)


def _end(outcome: Outcome, why: str, limit: int | None = None) -> Retry:
    return Retry(replace(outcome, message=f"{outcome.message}; {why}"), limit)
