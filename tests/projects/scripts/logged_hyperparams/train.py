"""Tells its logger the options before the fit, and a metric after it."""

import argparse

from lightning.pytorch import Trainer, seed_everything
from lightning.pytorch.loggers import CSVLogger
from nets import Net, Points

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=1e-3)
    args = parser.parse_args()
    seed_everything(1)
    trainer = Trainer(max_epochs=12, accelerator="cpu", logger=CSVLogger("logs"))
    trainer.logger.log_hyperparams(vars(args))
    trainer.fit(Net(lr=args.lr), datamodule=Points())
    trainer.logger.log_metrics({"final": 1.0}, step=trainer.global_step)
    trainer.logger.save()
