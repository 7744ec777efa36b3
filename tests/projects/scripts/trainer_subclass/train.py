"""A Trainer of the project's own, with a constructor of its own."""

import argparse

import lightning.pytorch as pl
from lightning.pytorch.callbacks import LearningRateMonitor
from nets import Net, Points


class OurTrainer(pl.Trainer):
    def __init__(self, options, rounds, **kwargs):
        self.options = options
        super().__init__(max_epochs=rounds, callbacks=[LearningRateMonitor()], **kwargs)

    def train(self):
        model = Net(lr=self.options.lr, hidden=self.options.hidden)
        self.fit(model, datamodule=Points())
        return self.validate(model, datamodule=Points())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--hidden", type=int, default=8)
    options = parser.parse_args()
    pl.seed_everything(1)
    print(OurTrainer(options, rounds=12, accelerator="cpu").train())
