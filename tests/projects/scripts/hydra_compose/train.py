"""Hydra's configuration, composed by hand from the command line."""

import sys

from hydra import compose, initialize
from lightning.pytorch import Trainer, seed_everything
from nets import Net, Points

with initialize(version_base=None, config_path="conf"):
    cfg = compose("config", overrides=sys.argv[1:])

seed_everything(cfg.seed)
trainer = Trainer(**cfg.trainer)
trainer.fit(Net(**cfg.model), datamodule=Points())
