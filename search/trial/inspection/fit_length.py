"""The length of a whole trial in epochs and batches, as Lightning itself counts them.

A fit with the trial's own limits is begun and left before its first batch: by then Lightning knows
what its limits come to for these loaders.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers.logger import DummyLogger

from search.trial.building.build import Built, make_trainer
from search.trial.building.importing import is_lightnings
from search.trial.building.trainer import callbacks_of, callbacks_on, one_short_epoch

# callbacks of Lightning's that decide how long a fit is
_DECIDING = ("Timer", "GradientAccumulationScheduler")
# what says how long a fit is; everything else is as in a look at a few batches
_LIMITS = (
    "max_epochs",
    "max_steps",
    "accumulate_grad_batches",
    "limit_train_batches",
    "limit_val_batches",
    "overfit_batches",
    "val_check_interval",
)


@dataclass(frozen=True)
class Length:
    """A trial that is neither pruned nor stopped early; None where a number is not known."""

    epochs: int | None = None
    train_batches: int | None = None
    val_batches: int | None = None
    # seconds that `trainer.max_time` gives it
    max_time_s: float | None = None


@dataclass(frozen=True)
class _Limits:
    """The limits of a Trainer once its loaders are there; infinite where a loader has no length."""

    train: float
    val: float
    max_epochs: float
    max_steps: float
    accumulation: int
    val_check_batch: float | None
    max_time_s: float | None


class _Known(Exception):
    """The loaders are there: nothing is to be trained."""


class _Reader(Callback):
    """Reads the limits where training would begin."""

    limits: _Limits | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        timers = [each for each in callbacks_on(trainer) if is_lightnings(each, "Timer")]
        self.limits = _Limits(
            train=trainer.num_training_batches,
            val=sum(trainer.num_val_batches),
            max_epochs=_endless(trainer.max_epochs),
            max_steps=_endless(trainer.max_steps),
            accumulation=int(trainer.accumulate_grad_batches),
            val_check_batch=trainer.val_check_batch,
            max_time_s=next((each.time_remaining() for each in timers), None),
        )
        raise _Known


def length_of(built: Built, folder: Path) -> Length:
    """The length of a fit of `built`, on one device."""
    every = built.trainer_arguments.get("check_val_every_n_epoch", 1)
    look = one_short_epoch(built.trainer_arguments, train=1, val=1)
    # with validations in the first epoch Lightning looks at their loaders at once
    look |= {"check_val_every_n_epoch": None if every is None else 1}
    reader = _Reader()
    arguments = {key: value for key, value in look.items() if key not in _LIMITS}
    # the others would begin their work, with a logger or beside the user's own files
    deciding = [each for each in callbacks_of(arguments) if is_lightnings(each, *_DECIDING)]
    arguments |= {"callbacks": deciding, "enable_checkpointing": False, "logger": DummyLogger()}
    with suppress(_Known):
        built.fit(make_trainer(built, folder, [reader], **arguments))
    # a fit of no epochs or batches never starts
    return Length() if reader.limits is None else _length(reader.limits, every)


def _length(limits: _Limits, every: int | None) -> Length:
    total = min(limits.train * limits.max_epochs, _batches_of_steps(limits))
    if math.isinf(total):
        return Length(max_time_s=limits.max_time_s)
    val = limits.val * _validations(limits, int(total), every)
    return Length(
        epochs=1 if math.isinf(limits.train) else math.ceil(total / limits.train),
        train_batches=int(total),
        val_batches=None if math.isinf(val) else int(val),
        max_time_s=limits.max_time_s,
    )


def _batches_of_steps(limits: _Limits) -> float:
    """The batches of `max_steps`; the last step of an epoch takes what is left of it."""
    if math.isinf(limits.max_steps) or math.isinf(limits.train):
        return limits.max_steps * limits.accumulation
    epochs, steps = divmod(int(limits.max_steps), math.ceil(limits.train / limits.accumulation))
    return epochs * limits.train + min(limits.train, steps * limits.accumulation)


def _validations(limits: _Limits, total: int, every: int | None) -> int:
    """The number of validations in `total` batches.

    Args:
        every: an epoch of how many is validated; None where batches are counted across epochs.
    """
    interval = limits.val_check_batch
    if interval is None:
        # by the clock: once an epoch, for want of a better guess
        interval = limits.train
    if every is None or math.isinf(limits.train):
        return int(total // interval)
    epochs, rest = divmod(total, int(limits.train))
    last = rest // interval if (epochs + 1) % every == 0 else 0
    return int(epochs // every * (limits.train // interval) + last)


def _endless(limit: int | None) -> float:
    return math.inf if limit is None or limit < 0 else limit
