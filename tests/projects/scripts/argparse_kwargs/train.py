"""Everything in one file; the model takes whatever the parser knows."""

import argparse

import lightning.pytorch as pl
import torch
from torch.nn.functional import mse_loss
from torch.utils.data import DataLoader, TensorDataset


class Net(pl.LightningModule):
    def __init__(self, **kwargs):
        super().__init__()
        self.save_hyperparameters()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(1, self.hparams.hidden_dim),
            torch.nn.Dropout(0.1),
            torch.nn.Linear(self.hparams.hidden_dim, 1),
        )

    def training_step(self, batch, batch_idx):
        x, y = batch
        return mse_loss(self.layers(x), y)

    def validation_step(self, batch, batch_idx):
        x, y = batch
        self.log("val_loss", mse_loss(self.layers(x), y))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--hidden-dim", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--shuffle", action=argparse.BooleanOptionalAction, default=False)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main():
    args = parse()
    pl.seed_everything(args.seed)
    x = torch.linspace(-1, 1, 32).unsqueeze(1)
    points = TensorDataset(x, 2 * x)
    train = DataLoader(points, batch_size=args.batch_size, shuffle=args.shuffle)
    val = DataLoader(points, batch_size=args.batch_size)
    trainer = pl.Trainer(max_epochs=args.epochs, accelerator="cpu")
    trainer.fit(Net(**vars(args)), train, val)
    print(f"{args.name} is trained")


if __name__ == "__main__":
    main()
