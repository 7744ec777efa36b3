"""Kinds that train on two ranks; whole, or with one of them killed once."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import torch
from torch.distributed.fsdp import fully_shard

from kinds.base import Base


class Ranked(Base):
    """Ranks draw different numbers; rank `killed` (-1: none) dies once in the second epoch."""

    def __init__(self, killed: int = -1) -> None:
        super().__init__()
        self.killed = killed

    def training_step(self, batch, batch_idx):
        torch.rand(1 + self.global_rank)
        once = Path(f"killed-{self.killed}-{Path.cwd().name}")
        if self.current_epoch == 1 and self.global_rank == self.killed and not once.exists():
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.loss(batch)

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.loss(batch), sync_dist=True)


class Sharded(Ranked):
    """The same with its weights in shards."""

    def configure_model(self):
        if self.device_mesh is not None:
            fully_shard(self.layers, mesh=self.device_mesh["data_parallel"])
