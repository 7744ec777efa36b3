"""Trains on three folds, each with a model and a Trainer of its own."""

import argparse

from lightning.pytorch import Trainer, seed_everything
from nets import Net, points
from torch.utils.data import DataLoader, Subset

FOLDS = 3


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--epochs", type=int, default=12)
    args = parser.parse_args()
    data, scores = points(), []
    for fold in range(FOLDS):
        seed_everything(fold)
        inside = [i for i in range(len(data)) if i % FOLDS != fold]
        outside = [i for i in range(len(data)) if i % FOLDS == fold]
        trainer = Trainer(max_epochs=args.epochs, accelerator="cpu", logger=False)
        train = DataLoader(Subset(data, inside), batch_size=8, shuffle=True)
        trainer.fit(Net(lr=args.lr), train, DataLoader(Subset(data, outside), batch_size=8))
        scores.append(float(trainer.callback_metrics["val_loss"]))
    print("mean of the folds", sum(scores) / FOLDS)


main()
