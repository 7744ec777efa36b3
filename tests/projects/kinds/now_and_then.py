"""What some epochs do not log, what exists from the first step on, and data that cannot be had."""

from __future__ import annotations

import warnings
from pathlib import Path

import torchmetrics
from torch.utils.data import BatchSampler, DataLoader, RandomSampler

from kinds.base import Base


class EveryOther(Base):
    """Logs in the epochs 0, 2 and 4."""

    def validation_step(self, batch, batch_idx):
        if self.current_epoch % 2 == 0:
            self.log("val_loss", self.loss(batch))

    def on_train_epoch_end(self):
        if self.current_epoch % 2 == 0:
            self.log("epoch", float(self.current_epoch))


class MadeOnFirstUse(Base):
    """Makes its metric in a training step; one that goes on has none yet."""

    def training_step(self, batch, batch_idx):
        loss = self.loss(batch)
        if not hasattr(self, "smallest"):
            self.smallest = torchmetrics.MinMetric()
        self.smallest.update(loss.detach())
        return loss


class Warns(Base):
    """Warns in every batch; its loader knows no batch size."""

    def training_step(self, batch, batch_idx):
        warnings.warn("of the user", stacklevel=1)
        return self.loss(batch)

    def train_dataloader(self):
        points = self.points()
        batches = BatchSampler(RandomSampler(points), batch_size=8, drop_last=False)
        return DataLoader(points, batch_sampler=batches)


class Unreachable(Base):
    """Does not get its data, once, where there is the file `unreachable`."""

    def on_fit_start(self):
        if Path("unreachable").exists():
            Path("unreachable").unlink()
            raise RuntimeError("no data") from ConnectionError("no answer")
