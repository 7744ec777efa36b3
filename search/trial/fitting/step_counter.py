"""Counts the steps of a trial's reports, through all of its attempts."""

from __future__ import annotations

import math
from collections.abc import Sized
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities.data import _extract_batch_size

from search.study_file.curve_steps import SAMPLES, VALIDATIONS


class StepCounter(Callback):
    """Knows the step of the value that was read last.

    Args:
        unit: what the steps of the study count, one of `curve_steps.UNITS`; None in a study of
            an earlier release, which told validations within an epoch apart by their place.
    """

    def __init__(self, unit: str | None) -> None:
        self._unit = unit
        self._samples = 0
        self._validations = 0
        self.step = 0

    def state_dict(self) -> dict[str, Any]:
        return {"samples": self._samples, "validations": self._validations, "step": self.step}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._samples = state_dict["samples"]
        self._validations = state_dict["validations"]
        self.step = state_dict["step"]

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        if self._unit == SAMPLES:
            self._samples += _samples(trainer, batch, batch_idx) * trainer.world_size

    def advance(self, trainer: Trainer) -> None:
        """Count a value that is read."""
        self._validations += 1
        if self._unit is None:
            self.step = _place_in_epoch(trainer)
        else:
            # steps grow, whatever a module's own code does to its Trainer
            self.step = max(self._counted(trainer), self.step + 1)

    def _counted(self, trainer: Trainer) -> int:
        if self._unit == SAMPLES:
            return self._samples
        return self._validations if self._unit == VALIDATIONS else int(trainer.current_epoch) + 1


def _samples(trainer: Trainer, batch: object, batch_idx: int) -> int:
    """The samples of a batch on one device: as its loader says, else as Lightning reads them off
    the batch, which may be of any kind."""
    loader = trainer.train_dataloader
    size, sampler = getattr(loader, "batch_size", None), getattr(loader, "sampler", None)
    if isinstance(size, int) and isinstance(sampler, Sized):
        # the last batch has what is left
        return max(1, min(size, len(sampler) - batch_idx * size))
    length = _first_length(batch)
    if length is None:
        length = size if isinstance(size, int) else 1
    return length


def _first_length(batch: Any) -> int | None:
    # the public extract_batch_size (lightning 2.6) warns besides, of each size that it is unsure of
    try:
        return next((each for each in _extract_batch_size(batch) if each is not None), None)
    except RecursionError:
        return None


def _place_in_epoch(trainer: Trainer) -> int:
    batches, interval = trainer.num_training_batches, trainer.val_check_batch
    if not math.isfinite(batches) or not interval or interval >= batches:
        return int(trainer.current_epoch) + 1
    per_epoch = int(batches // interval)
    done = int(trainer.fit_loop.epoch_loop.batch_progress.current.ready // interval)
    return int(trainer.current_epoch) * per_epoch + min(done, per_epoch)
