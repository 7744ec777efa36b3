"""Tests the checkpoint that Lightning keeps by default."""

import argparse

from lightning.pytorch import Trainer, seed_everything
from nets import Net, Points

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=1e-3)
    args = parser.parse_args()
    seed_everything(1)
    trainer = Trainer(max_epochs=12, accelerator="cpu")
    trainer.fit(Net(lr=args.lr), datamodule=Points())
    (tested,) = trainer.test(ckpt_path="best", datamodule=Points())
    print("tested", trainer.checkpoint_callback.best_model_path, tested["test_loss"])
