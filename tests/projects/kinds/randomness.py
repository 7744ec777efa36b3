"""Random numbers drawn in hooks, in workers, and from generators of one's own."""

from __future__ import annotations

import random

import lightning.pytorch as pl
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from kinds.base import Base


class InHooks(Base):
    """Draws wherever Lightning lets it."""

    noise = 0.0

    def setup(self, stage):
        self.noise = torch.rand(1).item()

    def on_fit_start(self):
        self.noise += random.random()

    def on_train_start(self):
        self.noise += np.random.rand()

    def on_train_epoch_start(self):
        self.noise += torch.rand(1).item()
        self.shift = torch.rand(1)

    def on_train_epoch_end(self):
        random.random(), np.random.rand(), torch.rand(3)

    def training_step(self, batch, batch_idx):
        return self.loss(batch) + (self.layers[0].weight * self.shift).sum()


class OwnGenerators(Base):
    """A torch.Generator in the loader, NumPy's and Python's in the module."""

    def __init__(self, lr: float = 0.05, width: int = 4) -> None:
        super().__init__(lr, width)
        self.of_numpy = np.random.default_rng(1)
        self.of_old_numpy = np.random.RandomState(2)
        self.of_python = random.Random(3)

    def training_step(self, batch, batch_idx):
        drawn = self.of_numpy.random() + self.of_old_numpy.rand() + self.of_python.random()
        return self.loss(batch) * drawn

    def train_dataloader(self):
        generator = torch.Generator().manual_seed(4)
        return DataLoader(self.points(), batch_size=8, shuffle=True, generator=generator)


class Noisy(Dataset):
    """Points with noise that is drawn where they are loaded."""

    def __len__(self):
        return 32

    def __getitem__(self, index):
        x = torch.tensor([index / 16 - 1])
        return x + 0.1 * torch.randn(1), 2 * x


class Workers(Base):
    """A worker an epoch, which draws."""

    persistent = False

    def loader(self, dataset, shuffle):
        return DataLoader(
            dataset,
            batch_size=8,
            shuffle=shuffle,
            num_workers=1,
            persistent_workers=self.persistent,
        )

    def train_dataloader(self):
        return self.loader(Noisy(), True)


class PersistentWorkers(Workers):
    """Workers that stay, and draw nothing: the order of the samples is all that is random."""

    persistent = True

    def train_dataloader(self):
        return self.loader(self.points(), True)

    def val_dataloader(self):
        return self.loader(self.points(), False)


class DrawingPersistentWorkers(Workers):
    """Workers that stay, with random numbers that go on from epoch to epoch."""

    persistent = True


class Reloaded(Base):
    """New points for each epoch; needs reload_dataloaders_every_n_epochs."""

    def train_dataloader(self):
        x = torch.rand(32, 1)
        return DataLoader(TensorDataset(x, 2 * x), batch_size=8, shuffle=True)


class TwoLoaders(Base):
    """Batches of two loaders, the shorter one cycled; two loaders to validate on."""

    def training_step(self, batch, batch_idx):
        return self.loss(batch["long"]) + self.loss(batch["short"])

    def validation_step(self, batch, batch_idx, dataloader_idx=0):
        self.log("val_loss", self.loss(batch), add_dataloader_idx=False, on_epoch=True)

    def train_dataloader(self):
        short = torch.utils.data.Subset(self.points(), range(10))
        return {
            "long": DataLoader(self.points(), batch_size=8, shuffle=True),
            "short": DataLoader(short, batch_size=5, shuffle=True),
        }


class Stream(IterableDataset):
    """Samples that are drawn as they come."""

    def __iter__(self):
        for _ in range(32):
            x = torch.rand(1) * 2 - 1
            yield x, 2 * x


class Streamed(Base):
    def train_dataloader(self):
        return DataLoader(Stream(), batch_size=8)


class Points(pl.LightningDataModule):
    """Takes other points in each epoch, and knows how many it has given."""

    def __init__(self) -> None:
        super().__init__()
        self.given = 0

    def state_dict(self):
        return {"given": np.int64(self.given)}

    def load_state_dict(self, state_dict):
        self.given = int(state_dict["given"])

    def on_after_batch_transfer(self, batch, dataloader_idx):
        if self.trainer.training:
            self.given += 1
        x, y = batch
        return x, y * (1 + self.given / 100)

    def train_dataloader(self):
        x = torch.linspace(-1, 1, 32).unsqueeze(1)
        return DataLoader(TensorDataset(x, 2 * x), batch_size=8, shuffle=True)

    def val_dataloader(self):
        x = torch.linspace(-1, 1, 32).unsqueeze(1)
        return DataLoader(TensorDataset(x, 2 * x), batch_size=16)
