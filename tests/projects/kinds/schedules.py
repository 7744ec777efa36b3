"""Learning rates that change, stepped by Lightning and by hand."""

from __future__ import annotations

import torch

from kinds.base import Base


class StepLr(Base):
    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=self.lr)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)]


class Plateau(Base):
    """Lightning steps it after every callback's on_train_epoch_end."""

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=self.lr)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, patience=0, factor=0.5, threshold=0.5
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "monitor": "val_loss"},
        }


class WarmUp(Base):
    """As every Hugging Face example does it."""

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.lr)
        steps = self.trainer.estimated_stepping_batches
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.lr, total_steps=steps)
        return [optimizer], [{"scheduler": scheduler, "interval": "step"}]


class Manual(Base):
    """Two optimizers; the schedulers are stepped in the module's own on_train_epoch_end."""

    def __init__(self, lr: float = 0.05, width: int = 4) -> None:
        super().__init__(lr, width)
        self.automatic_optimization = False

    def training_step(self, batch, batch_idx):
        for optimizer in self.optimizers():
            optimizer.zero_grad()
            self.manual_backward(self.loss(batch))
            optimizer.step()

    def on_train_epoch_end(self):
        for scheduler in self.lr_schedulers():
            scheduler.step()

    def configure_optimizers(self):
        optimizers = [torch.optim.SGD(each.parameters(), lr=self.lr) for each in self.layers[::2]]
        return optimizers, [torch.optim.lr_scheduler.StepLR(each, 1, 0.5) for each in optimizers]


class ManualPlateau(Manual):
    """The documented way: the metric is read from the Trainer, epochs without validation too."""

    def on_train_epoch_end(self):
        if self.current_epoch > 0:
            for scheduler in self.lr_schedulers():
                scheduler.step(self.trainer.callback_metrics["val_loss"])

    def configure_optimizers(self):
        optimizers = [torch.optim.SGD(each.parameters(), lr=self.lr) for each in self.layers[::2]]
        kind = torch.optim.lr_scheduler.ReduceLROnPlateau
        return optimizers, [kind(each, patience=0, threshold=0.5) for each in optimizers]
