"""What the shipped data modules have in common."""

from __future__ import annotations

from abc import abstractmethod

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from search.data.tensors import Batch, TensorImages, Transform, tensor_loader

Arrays = tuple[Tensor, Tensor]


class ImageDataModule(pl.LightningDataModule):
    """Images in memory, split once and for all by `split_seed`.

    Subclasses say where the images come from. Images are (channels, height, width) float32 in 0 to
    1, targets int64.

    Args:
        batch_size: samples of a batch; the attribute that batch-size scaling changes.
        num_workers: processes that load; 0 is fastest for data in memory.
        split_seed: fixes which samples are held out for validation.
        transform: called with the images of a training batch.
    """

    def __init__(
        self,
        batch_size: int = 64,
        num_workers: int = 0,
        split_seed: int = 0,
        transform: Transform | None = None,
    ) -> None:
        super().__init__()
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.split_seed = split_seed
        self.transform = transform

    @abstractmethod
    def load(self, *, train: bool) -> Arrays:
        """Images and targets of the training part (validation included) or the test part."""

    @abstractmethod
    def val_count(self, total: int) -> int:
        """How many of `total` training samples are held out."""

    def setup(self, stage: str) -> None:
        if stage in ("fit", "validate"):
            images, targets = self.load(train=True)
            # its own generator: a split must not depend on what was drawn before
            order = torch.randperm(
                len(images), generator=torch.Generator().manual_seed(self.split_seed)
            )
            held_out = self.val_count(len(images))
            train, val = order[held_out:], order[:held_out]
            self.train_set = TensorImages(images[train], targets[train], self.transform)
            self.val_set = TensorImages(images[val], targets[val])
        if stage in ("test", "predict"):
            self.test_set = TensorImages(*self.load(train=False))

    def train_dataloader(self) -> DataLoader[Batch]:
        return self._loader(self.train_set, shuffle=True)

    def val_dataloader(self) -> DataLoader[Batch]:
        return self._loader(self.val_set)

    def test_dataloader(self) -> DataLoader[Batch]:
        return self._loader(self.test_set)

    def predict_dataloader(self) -> DataLoader[Batch]:
        return self._loader(self.test_set)

    def _loader(self, dataset: TensorImages, *, shuffle: bool = False) -> DataLoader[Batch]:
        return tensor_loader(
            dataset, self.batch_size, shuffle=shuffle, num_workers=self.num_workers
        )
