"""A check that a trial which is cut off ends as it would have.

It trains three epochs of a few batches whole, and the last of them once more from the checkpoint
before it; then it compares the two.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from search.layout import TrialFolder
from search.messages import OOM
from search.plain.whole_files import keep_copy
from search.study_file.trial_config import TrialConfig
from search.trial.building.build import build, make_trainer, seed_everything
from search.trial.building.trainer import one_short_epoch
from search.trial.checkpoints.files import read_checkpoint
from search.trial.fitting.checkpoint_keeper import CheckpointKeeper
from search.trial.fitting.epoch_end import loaders_of
from search.trial.fitting.save_interval import SaveInterval
from search.trial.fitting.step_counter import StepCounter
from search.trial.fitting.throwaway import ThrowawayCheckpoints, look_loggers
from search.trial.fitting.value_reader import ValueReader
from search.trial.inspection.fingerprint import checksum
from search.trial.process.failures import cause_of, one_line
from search.trial.process.link import SilentLink

# with two, workers that stay would have the same random numbers by chance: what a loader prefetches
# when a fit goes on is one epoch's
_EPOCHS = 3
_BATCHES = 2
_ENDS = "a trial that is cut off goes on, but may end with another value: "
_WORKERS = (
    "workers that stay (persistent_workers) keep random numbers that no checkpoint has. Draw them "
    "in training_step, or set persistent_workers=False."
)
_KEPT = (
    "what the model, its data or a callback keeps from epoch to epoch is not in its checkpoint. "
    "Make it a buffer, or save it in on_save_checkpoint or state_dict."
)
_RELOADED = (
    "its data is loaded anew when it goes on, not at the epochs that "
    "trainer.reload_dataloaders_every_n_epochs says. Set that to 1."
)


@dataclass
class _Between(Callback):
    """Keeps the checkpoint before the last epoch."""

    folder: TrialFolder

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.folder.last_ckpt.exists():
            keep_copy(self.folder.last_ckpt, self.folder.root / "between.ckpt")


@dataclass(frozen=True)
class _Trained:
    trainer: Trainer
    # of weights, optimizers, schedulers and metrics
    digest: object
    between: Path


def resumption_note(
    config: TrialConfig, folder: Path, *, at_epoch_ends: bool = False
) -> str | None:
    """One line where a trial that is cut off does not end as it would have; None where it does,
    or where two trials of one seed differ anyway.

    Args:
        folder: where to write meanwhile; nothing is left there.
        at_epoch_ends: whether training alone logs a metric that counts.

    Raises:
        Whatever the user's code or Lightning raises while nothing is cut off.
    """
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        return _note(config, Path(scratch), at_epoch_ends)


def _note(config: TrialConfig, scratch: Path, at_epoch_ends: bool) -> str | None:
    whole = _trained(config, scratch / "whole", at_epoch_ends)
    if not whole.between.exists():  # it ended with its first epoch
        return None
    # (Lightning 2.6) the Trainer's class does not declare the attribute
    every = whole.trainer.reload_dataloaders_every_n_epochs  # type: ignore[attr-defined]
    if (every or 0) > 1:
        return _ENDS + _RELOADED
    try:
        cut = _trained(config, scratch / "cut", at_epoch_ends, whole.between)
    except Exception as error:
        if cause_of(error) == OOM:  # beside the model of the first
            return None
        return (
            "a trial that is cut off begins anew: training does not go on from its checkpoint: "
            f"{one_line(error).rstrip('.')}. Correct it there."
        )
    if (
        cut.digest == whole.digest
        or _trained(config, scratch / "again", at_epoch_ends).digest != whole.digest
    ):
        return None
    return _ENDS + (_WORKERS if _has_persistent_workers(whole.trainer) else _KEPT)


def _trained(
    config: TrialConfig, root: Path, at_epoch_ends: bool, checkpoint: Path | None = None
) -> _Trained:
    root.mkdir(parents=True)
    folder = TrialFolder(root)
    seed_everything(config.sections)
    built = build(config.sections)
    watched = config.watched
    # at the end of every epoch
    interval = SaveInterval(math.inf)
    keeper = CheckpointKeeper(folder, config.objective, watched.metrics, SilentLink(), interval)
    steps, between = StepCounter(None), _Between(folder)
    values = ValueReader(watched.metrics, steps, keeper, None, at_epoch_ends=at_epoch_ends)
    arguments = one_short_epoch(built.trainer_arguments, train=_BATCHES, val=1)
    arguments |= look_loggers(config, built, folder)
    checkpoints = ThrowawayCheckpoints(root / "checkpoints")
    callbacks = [checkpoints, steps, keeper, values, between]
    trainer = make_trainer(built, root, callbacks, **{**arguments, "max_epochs": _EPOCHS})
    keeper.join(trainer, goes_on=checkpoint is not None)
    built.fit(trainer, checkpoint)
    end = read_checkpoint(folder.last_ckpt)
    parts = ("state_dict", "optimizer_states", "lr_schedulers")
    digest = [_digest({key: end.get(key) for key in parts}), keeper.value, keeper.metrics]
    return _Trained(trainer, repr(digest), root / "between.ckpt")


def _digest(value: object) -> object:
    """Plain data that differs where a state does."""
    match value:
        case torch.Tensor():
            return checksum(value)
        case Mapping():
            return [(key, _digest(each)) for key, each in value.items()]
        case list() | tuple():
            return [_digest(each) for each in value]
    return value


def _has_persistent_workers(trainer: Trainer) -> bool:
    loaders = [*loaders_of(trainer.train_dataloader), *loaders_of(trainer.val_dataloaders)]
    return any(getattr(each, "persistent_workers", False) for each in loaders)
