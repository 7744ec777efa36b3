"""A dataset that lives in memory and hands out whole batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

Batch = tuple[Tensor, Tensor]
Transform = Callable[[Tensor], Tensor]


class TensorImages(Dataset[Batch]):
    """Images and targets as two tensors.

    Torch's loader asks `__getitems__` for all indices of a batch at once, so that a batch is one
    indexing operation instead of one a sample.

    Args:
        images: (samples, channels, height, width) float32.
        targets: (samples,) int64.
        transform: called with the images of a batch, (batch, channels, height, width).
    """

    def __init__(self, images: Tensor, targets: Tensor, transform: Transform | None = None) -> None:
        self.images = images
        self.targets = targets
        self.transform = transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Batch:
        images, targets = self.__getitems__([index])
        return images[0], targets[0]

    def __getitems__(self, indices: Sequence[int]) -> Batch:
        chosen = torch.as_tensor(indices)
        images = self.images[chosen]
        if self.transform is not None:
            images = self.transform(images)
        return images, self.targets[chosen]


def whole_batch(batch: Any) -> Any:
    """The collate function of `TensorImages`: what arrives is a batch already, not samples."""
    return batch


def tensor_loader(
    dataset: TensorImages, batch_size: int, *, shuffle: bool, num_workers: int = 0
) -> DataLoader[Batch]:
    """A loader of whole batches."""
    return DataLoader(
        dataset,
        batch_size=batch_size,
        shuffle=shuffle,
        num_workers=num_workers,
        collate_fn=whole_batch,
        persistent_workers=num_workers > 0,
    )
