"""Pre-trains on noisy targets, and fine-tunes on clean ones."""

import argparse

import torch
from lightning.pytorch import Trainer, seed_everything
from nets import Net, Points
from torch.nn.functional import mse_loss


class Pretraining(Net):
    def loss(self, batch):
        x, y = batch
        return mse_loss(self.layers(x), y + 0.1 * torch.randn_like(y))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--pretraining-lr", type=float, default=0.1)
    parser.add_argument("--lr", type=float, default=0.1)
    args = parser.parse_args()
    seed_everything(1)
    first, second = Pretraining(lr=args.pretraining_lr), Net(lr=args.lr)
    Trainer(max_epochs=12, accelerator="cpu").fit(first, datamodule=Points())
    second.load_state_dict(first.state_dict())
    Trainer(max_epochs=12, accelerator="cpu").fit(second, datamodule=Points())
