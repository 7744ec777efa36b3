"""The base of all kinds once more, with the other Lightning package."""

from __future__ import annotations

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset


class Base(pl.LightningModule):
    """Fits y = 2x in four batches an epoch; draws random numbers in each."""

    def __init__(self, lr: float = 0.05, width: int = 4) -> None:
        super().__init__()
        self.lr = lr
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(1, width), torch.nn.Dropout(0.2), torch.nn.Linear(width, 1)
        )

    def loss(self, batch):
        x, y = batch
        return torch.nn.functional.mse_loss(self.layers(x), y)

    def training_step(self, batch, batch_idx):
        return self.loss(batch)

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.loss(batch))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr)

    def points(self):
        x = torch.linspace(-1, 1, 32).unsqueeze(1)
        return TensorDataset(x, 2 * x)

    def train_dataloader(self):
        return DataLoader(self.points(), batch_size=8, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.points(), batch_size=16)
