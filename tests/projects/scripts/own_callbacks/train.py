"""Stops early and shows a bar, by callbacks of its own."""

import argparse

from lightning.pytorch import Callback, Trainer, seed_everything
from lightning.pytorch.callbacks import EarlyStopping, TQDMProgressBar
from nets import Net, Points


class Greeting(Callback):
    def on_fit_end(self, trainer, pl_module):
        print("trained for", trainer.current_epoch, "epochs")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--patience", type=int, default=8)
    args = parser.parse_args()
    seed_everything(1)
    callbacks = [
        EarlyStopping("val_loss", patience=args.patience, min_delta=1e-3),
        TQDMProgressBar(refresh_rate=2),
        Greeting(),
    ]
    trainer = Trainer(max_epochs=16, accelerator="cpu", callbacks=callbacks)
    trainer.fit(Net(lr=args.lr), datamodule=Points())
