"""Keeps the best checkpoint of its own choice, tests it and loads it again."""

import argparse

from lightning.pytorch import Trainer, seed_everything
from lightning.pytorch.callbacks import ModelCheckpoint
from nets import Net, Points

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=1e-3)
    args = parser.parse_args()
    seed_everything(1)
    best = ModelCheckpoint(monitor="val_loss", mode="min", save_top_k=1)
    trainer = Trainer(max_epochs=12, accelerator="cpu", callbacks=[best])
    trainer.fit(Net(lr=args.lr), datamodule=Points())
    trainer.test(ckpt_path="best", datamodule=Points())
    loaded = Net.load_from_checkpoint(best.best_model_path)
    print("best", float(best.best_model_score), "of a net with lr", loaded.hparams.lr)
