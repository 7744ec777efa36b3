"""Looks for a learning rate before it trains."""

import argparse

from lightning.pytorch import Trainer, seed_everything
from lightning.pytorch.tuner import Tuner
from nets import Net, Points

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", type=float, default=1.0)
    args = parser.parse_args()
    seed_everything(1)
    trainer = Trainer(max_epochs=12, accelerator="cpu")
    net = Net()
    found = Tuner(trainer).lr_find(net, datamodule=Points(), num_training=30, min_lr=1e-3)
    net.hparams.lr = args.share * min(0.2, found.suggestion() or 0.2)
    trainer.fit(net, datamodule=Points())
