"""Which micro-batches a model with batch norm can be trained with.

Batch norm takes the mean of a batch, so in training it needs two samples: in the last batch of an
epoch too, which is what the others leave.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class UsableSizes:
    """The sizes of a micro-batch that leave no batch too small.

    has_batch_norm: whether the model needs two samples in every batch.
    samples: of an epoch; None where that is not known, or an incomplete batch is dropped.
    """

    has_batch_norm: bool = False
    samples: int | None = None

    @property
    def smallest(self) -> int:
        """The smallest micro-batch that any number of samples allows."""
        return 2 if self.has_batch_norm else 1

    def __contains__(self, size: int) -> bool:
        leaves_one = self.samples is not None and size < self.samples and self.samples % size == 1
        return size >= self.smallest and not (self.has_batch_norm and leaves_one)

    def up_to(self, size: int) -> int | None:
        """The largest that is not above `size`; None where there is none."""
        return next((each for each in range(size, 0, -1) if each in self), None)

    def divisors(self, number: int, up_to: int) -> Iterator[int]:
        """Those that divide `number`, the largest first."""
        return (each for each in range(up_to, 0, -1) if number % each == 0 and each in self)

    def from_(self, size: int) -> int:
        """The smallest that is not below `size`."""
        while size not in self:
            size += 1
        return size
