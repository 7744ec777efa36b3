"""Warm-up of an attempt's process while it waits for work, so that its first epoch is not slow."""

from __future__ import annotations

import logging
import warnings
from types import ModuleType
from typing import Any

import torch
from torch.utils.data import DataLoader, TensorDataset


def fit_toy(lightning: ModuleType) -> None:
    """Fit a model of one weight for one batch: starts autograd, fills the caches of Lightning's
    and Python's type checks; a tenth of a second that the first epoch would take longer.

    Never where there is a GPU: the first backward pass fixes which devices a process sees.
    """

    class OneWeight(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def training_step(self, batch: Any, batch_idx: int) -> object:
            loss = self.layer(batch[0]).square().mean()
            self.log("loss", loss)
            return loss

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            self.log("loss", self.layer(batch[0]).square().mean())

        def configure_optimizers(self) -> object:
            return torch.optim.Adam(self.parameters())

    batches = DataLoader(TensorDataset(torch.ones(1, 1)))
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            lightning.Trainer(
                max_epochs=1,
                accelerator="cpu",
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            ).fit(OneWeight(), batches, batches)
    finally:
        logging.disable(logging.NOTSET)
