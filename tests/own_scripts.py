"""A script as its user wrote it, with an argparse parser."""

TRAIN = """
import argparse

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, TensorDataset


class Net(pl.LightningModule):
    def __init__(self, hidden, lr, dropout):
        super().__init__()
        self.lr = lr
        self.net = torch.nn.Sequential(
            torch.nn.Linear(2, hidden), torch.nn.Dropout(dropout), torch.nn.Linear(hidden, 1))

    def loss(self, batch):
        return torch.nn.functional.mse_loss(self.net(batch[0]), batch[1])

    def training_step(self, batch, index):
        return self.loss(batch)

    def validation_step(self, batch, index):
        self.log("val_mse", self.loss(batch))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.lr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--hidden-dim", type=int, default=8)
    parser.add_argument("--lr", type=float, default=1e-2)
    parser.add_argument("--dropout", type=float, default=0.1, help="share of units")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    pl.seed_everything(args.seed)
    x = torch.linspace(-1, 1, 64).reshape(32, 2)
    data = TensorDataset(x, x.sum(1, keepdim=True))
    trainer = pl.Trainer(max_epochs=args.epochs, accelerator="cpu", num_sanity_val_steps=0)
    trainer.fit(
        Net(args.hidden_dim, args.lr, args.dropout),
        DataLoader(data, batch_size=args.batch_size, shuffle=True),
        DataLoader(data, batch_size=32),
    )


if __name__ == "__main__":
    main()
"""
