"""Catches everything around its fit, and goes on."""

import argparse
import traceback

from lightning.pytorch import Trainer, seed_everything
from nets import Net, Points

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=1e-3)
    args = parser.parse_args()
    seed_everything(1)
    trainer = Trainer(max_epochs=12, accelerator="cpu")
    try:
        trainer.fit(Net(lr=args.lr), datamodule=Points())
    except:
        traceback.print_exc()
    finally:
        print("the fit is over")
    trainer.test(Net(lr=args.lr), datamodule=Points())
