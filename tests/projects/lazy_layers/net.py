"""Layers that learn their sizes from the first batch."""

import lightning.pytorch as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset


class Net(pl.LightningModule):
    def __init__(self, lr: float = 0.1, dropout: float = 0.1, widening: float = 1.0) -> None:
        super().__init__()
        self.lr = lr
        self.layers = torch.nn.Sequential(
            torch.nn.LazyConv1d(2, 3),
            torch.nn.Flatten(),
            torch.nn.LazyLinear(int(4 * widening)),
            torch.nn.Dropout(dropout),
            torch.nn.LazyLinear(1),
        )

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        return torch.nn.functional.mse_loss(self.layers(batch[0]), batch[1])

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.log("val_loss", torch.nn.functional.mse_loss(self.layers(batch[0]), batch[1]))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.lr)

    def train_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        x = torch.linspace(-1, 1, 32 * 8).reshape(32, 1, 8)
        return DataLoader(TensorDataset(x, x.mean(2)), batch_size=8)

    def val_dataloader(self) -> DataLoader[tuple[Tensor, ...]]:
        return self.train_dataloader()
