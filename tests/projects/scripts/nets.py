"""A model and its data, copied beside each script that imports them."""

import torch
from lightning.pytorch import LightningDataModule, LightningModule
from torch.nn.functional import mse_loss
from torch.utils.data import DataLoader, TensorDataset


def points():
    x = torch.linspace(-1, 1, 32).unsqueeze(1)
    return TensorDataset(x, 2 * x)


class Net(LightningModule):
    def __init__(self, lr=0.2, hidden=8, dropout=0.1):
        super().__init__()
        self.save_hyperparameters()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(1, hidden), torch.nn.Dropout(dropout), torch.nn.Linear(hidden, 1)
        )

    def loss(self, batch):
        x, y = batch
        return mse_loss(self.layers(x), y)

    def training_step(self, batch, batch_idx):
        loss = self.loss(batch)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.loss(batch), prog_bar=True)

    def test_step(self, batch, batch_idx):
        self.log("test_loss", self.loss(batch))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)


class Points(LightningDataModule):
    def __init__(self, batch_size=8):
        super().__init__()
        self.batch_size = batch_size

    def train_dataloader(self):
        return DataLoader(points(), batch_size=self.batch_size, shuffle=True)

    def val_dataloader(self):
        return DataLoader(points(), batch_size=self.batch_size)

    def test_dataloader(self):
        return self.val_dataloader()
