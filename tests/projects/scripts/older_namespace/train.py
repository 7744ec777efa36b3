"""The namespace that Lightning had before."""

from argparse import ArgumentParser

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset


class Net(pl.LightningModule):
    def __init__(self, hparams):
        super().__init__()
        self.save_hyperparameters(hparams)
        self.layer = torch.nn.Sequential(torch.nn.Dropout(0.1), torch.nn.Linear(1, 1))

    def training_step(self, batch, batch_idx):
        x, y = batch
        return torch.nn.functional.mse_loss(self.layer(x), y)

    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.log("val_loss", torch.nn.functional.mse_loss(self.layer(x), y))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)

    def loader(self, shuffle):
        x = torch.linspace(-1, 1, 32).unsqueeze(1)
        points = TensorDataset(x, 2 * x)
        return DataLoader(points, batch_size=self.hparams.batch_size, shuffle=shuffle)

    def train_dataloader(self):
        return self.loader(True)

    def val_dataloader(self):
        return self.loader(False)


def main(hparams):
    pl.seed_everything(1)
    trainer = pl.Trainer(max_epochs=12, accelerator="cpu")
    trainer.fit(Net(hparams))


if __name__ == "__main__":
    parser = ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.02)
    parser.add_argument("--batch_size", type=int, default=8)
    main(parser.parse_args())
