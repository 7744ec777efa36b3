"""A function that fire calls with what stands on the command line."""

import fire
from lightning.pytorch import Trainer, seed_everything
from nets import Net, Points


def train(lr=1e-3, hidden=8, epochs=12):
    seed_everything(1)
    trainer = Trainer(max_epochs=epochs, accelerator="cpu")
    trainer.fit(Net(lr=lr, hidden=hidden), datamodule=Points())


if __name__ == "__main__":
    fire.Fire(train)
