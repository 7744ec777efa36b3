"""Micro-batches: how many an epoch has, and which sizes a model can be trained with."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

ACCUMULATION = "trainer.accumulate_grad_batches"
# arguments of a Trainer that count batches where they are whole numbers; log_every_n_steps and
# max_steps count steps of the optimizer
_COUNTED_IN_BATCHES = (
    "limit_train_batches",
    "limit_val_batches",
    "limit_test_batches",
    "overfit_batches",
    "val_check_interval",
)


def counts_of_batches(trainer: Mapping[str, Any]) -> dict[str, int]:
    """The arguments of a Trainer that count batches; a share of them, such as 0.5, is a float."""
    given = {name: trainer.get(name) for name in _COUNTED_IN_BATCHES}
    return {name: count for name, count in given.items() if type(count) is int}


def counts_of_steps(trainer: Mapping[str, Any]) -> dict[str, int]:
    """The limits of a Trainer that count steps of the optimizer; -1 is none."""
    given = {name: trainer.get(name) for name in ("max_steps", "min_steps")}
    return {name: count for name, count in given.items() if type(count) is int and count >= 0}


@dataclass(frozen=True)
class Epoch:
    """The training data of an epoch."""

    # in the whole data; None where its length is not known
    samples: int | None = None
    # the samples at the end that fill no batch are left out
    drops_last: bool = False
    # as the Trainer's `limit_train_batches`: an int counts batches, a float is a share of them,
    # None is all
    limit: int | float | None = None

    def batches(self, size: int) -> int | None:
        """The number of batches of `size` samples in an epoch; None where that is not known."""
        if self.samples is None:
            return self.limit if isinstance(self.limit, int) else None
        whole = self.samples // size if self.drops_last else math.ceil(self.samples / size)
        if self.limit is None:
            return whole
        if isinstance(self.limit, int):
            return min(whole, self.limit)
        # at least one, or Lightning refuses the limit
        return max(1, int(whole * self.limit))

    def trained_on(self, size: int) -> int | None:
        """The samples that an epoch of batches of `size` trains on; None where not known."""
        batches = self.batches(size)
        if self.samples is None or batches is None:
            return None
        return min(self.samples, batches * size)

    def leaves_one(self, size: int) -> bool:
        """Tell whether the last batch of `size` has a single sample."""
        if self.samples is None or self.drops_last or self.samples <= size:
            return False
        return self.samples % size == 1 and self.batches(size) == math.ceil(self.samples / size)

    def largest(self, accumulation: int) -> int | None:
        """The largest micro-batch of which an epoch has at least `accumulation`; None where the
        data does not limit it."""
        if self.samples is None:
            return None
        samples = self.samples
        if isinstance(self.limit, float):
            samples = math.floor(samples * self.limit)
        return max(1, samples // accumulation)

    def most_effective(self, own: int | None, devices: int) -> int | None:
        """The largest effective batch of which an epoch has a whole one; None where the data does
        not limit it.

        Args:
            own: the size of the batches that a limit counts.
            devices: the processes that share an epoch evenly.
        """
        share = self.largest(devices)
        if isinstance(self.limit, int) and own is not None:
            limited = self.limit * own
            share = limited if share is None else min(share, limited)
        return None if share is None else share * devices

    def limited_by(self, trainer: Mapping[str, Any]) -> Epoch:
        """The epoch of a trial, by what its Trainer is given; `overfit_batches` stands above."""
        limit = trainer.get("overfit_batches") or trainer.get("limit_train_batches")
        return self if limit is None else replace(self, limit=limit)

    def phrase(self, size: int) -> str:
        """The data in batches of `size`, as a phrase for a message."""
        samples = "data without a length" if self.samples is None else f"{self.samples} samples"
        if self.limit is None:
            return f"{samples} in batches of {size}"
        of = "batches" if isinstance(self.limit, int) else "of its batches"
        return f"{samples}, limited to {self.limit} {of}, in batches of {size}"


@dataclass(frozen=True)
class UsableSizes:
    """The sizes of a micro-batch that a model can be trained with.

    Batch norm takes the mean of a batch, so it needs two samples in each, the last of an epoch
    included.

    has_batch_norm: the model has a layer of batch norm.
    epoch: the training data, which decides how large the last batch is.
    """

    has_batch_norm: bool = False
    epoch: Epoch = field(default_factory=Epoch)

    def __contains__(self, size: int) -> bool:
        if not self.has_batch_norm:
            return size >= 1
        return size >= 2 and not self.epoch.leaves_one(size)

    def up_to(self, size: int) -> int | None:
        """The largest usable size that is not above `size`; None where there is none."""
        return next((each for each in range(size, 0, -1) if each in self), None)

    def from_(self, size: int) -> int:
        """The smallest usable size that is not below `size`."""
        while size not in self:
            size += 1
        return size

    def divisors(self, number: int, up_to: int) -> Iterator[int]:
        """The usable sizes that divide `number`, the largest first."""
        return (each for each in range(up_to, 0, -1) if number % each == 0 and each in self)
