"""A script as tutorials have it: whoever imports it trains."""

from pathlib import Path

import lightning.pytorch as pl
from lightning.pytorch.demos.boring_classes import BoringModel
from torch import Tensor


class Net(BoringModel):
    def __init__(self, lr: float = 0.1) -> None:
        super().__init__()
        self.lr = lr

    def on_train_start(self) -> None:
        Path("trained").touch()

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.log("val_loss", self.step(batch))


trainer = pl.Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False)
try:
    trainer.fit(Net())
except Exception:
    print("did not train")
