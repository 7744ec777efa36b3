"""A trial of a few batches, which tells what a whole one takes and if it can be trusted."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from msgspec.structs import replace

from search.answers import DryRun
from search.errors import UserError
from search.layout import TrialFolder
from search.messages import ERROR
from search.plain.host_memory import total_memory_bytes
from search.study_file.trial_config import DryBatches, TrialConfig
from search.trial.building.build import Built, build, make_trainer, seed_everything
from search.trial.building.importing import in_words
from search.trial.building.trainer import one_short_epoch
from search.trial.fitting.throwaway import FirstEpochSaver, ThrowawayCheckpoints, look_loggers
from search.trial.inspection.fingerprint import checksum
from search.trial.inspection.fit_length import length_of
from search.trial.inspection.resumption import resumption_note
from search.trial.process.failures import cause_of
from search.trial.process.memory import peak_memory_bytes

# batches that are timed: as many as fit into this time, within these bounds
_TIMED_S = 4.0
_FEWEST, _MOST = 3, 50


@dataclass
class _Stopwatch(Callback):
    """The end of each batch of the first epoch; on a GPU, the end of its work.

    A callback may add epochs, as StochasticWeightAveraging does for batch norm.
    """

    train_ends: list[float] = field(default_factory=list)
    val_ends: list[float] = field(default_factory=list)
    train_began: float = 0.0
    val_began: float = 0.0

    def on_train_epoch_start(self, trainer: Trainer, *args: object) -> None:
        if trainer.current_epoch == 0:
            self.train_began = time.monotonic()

    def on_train_batch_end(self, trainer: Trainer, *args: object) -> None:
        if trainer.current_epoch == 0:
            self.train_ends.append(_now(trainer))

    def on_validation_epoch_start(self, trainer: Trainer, *args: object) -> None:
        if trainer.current_epoch == 0:
            self.val_began = time.monotonic()

    def on_validation_batch_end(self, trainer: Trainer, *args: object) -> None:
        if trainer.current_epoch == 0:
            self.val_ends.append(_now(trainer))


@dataclass(frozen=True)
class _Fitted:
    built: Built
    trainer: Trainer
    watch: _Stopwatch
    saver: FirstEpochSaver
    began: float


def dry_run(config: TrialConfig, folder: TrialFolder) -> DryRun:
    """Fit a few batches, save, and go on from what was saved.

    Args:
        config: of a trial; `dry`, where it is there, says how many batches an earlier run took.

    Raises:
        UserError: the user's code or Lightning fails; the line where it does.
        Whatever else is raised; `failures` knows what it means.
    """
    try:
        return _dry_run(config, folder)
    except Exception as error:
        if cause_of(error) != ERROR or isinstance(error, UserError):
            raise
        raise UserError(in_words(error)) from error


def _dry_run(config: TrialConfig, folder: TrialFolder) -> DryRun:
    first = _fit(config, folder, train=_FEWEST, val=_FEWEST)
    asked = config.dry or DryBatches(0, 0)
    train = asked.train or _affordable(first.watch.train_began, first.watch.train_ends)
    val = asked.val or _affordable(first.watch.val_began, first.watch.val_ends)
    second = _fit(config, folder, train=train, val=val)
    watch = second.watch
    metric, value = _judged(config, second.trainer)
    found = DryRun(
        metric=metric,
        value=value,
        digest=_digest(second.built.model),
        train_batches=len(watch.train_ends),
        val_batches=len(watch.val_ends),
        begin_s=first.watch.train_ends[0] - first.began,
        train_batch_s=_per_batch(watch.train_began, watch.train_ends),
        val_batch_s=_per_batch(watch.val_began, watch.val_ends),
        save_s=second.saver.seconds,
        checkpoint_bytes=folder.last_ckpt.stat().st_size,
        **_memory(second.trainer),
    )
    if config.dry:
        return found
    whole = length_of(first.built, folder.root)
    problem = _going_on(config, folder)
    at_ends = config.trial.at_epoch_ends
    return replace(
        found,
        checkpoint_problem=problem,
        resumption=None if problem else resumption_note(config, folder.root, at_epoch_ends=at_ends),
        trial_epochs=whole.epochs,
        trial_train_batches=whole.train_batches,
        trial_val_batches=whole.val_batches,
        trial_max_s=whole.max_time_s,
    )


def _fit(
    config: TrialConfig,
    folder: TrialFolder,
    *,
    train: int,
    val: int,
    checkpoint: Path | None = None,
) -> _Fitted:
    began = time.monotonic()
    seed_everything(config.sections)
    built = build(config.sections)
    watch, saver = _Stopwatch(), FirstEpochSaver(folder.last_ckpt)
    arguments = one_short_epoch(built.trainer_arguments, train=train, val=val)
    if checkpoint is not None:
        arguments["max_epochs"] = 2
    arguments |= look_loggers(config, built, folder)
    checkpoints = ThrowawayCheckpoints(folder.root / "checkpoints")
    trainer = make_trainer(built, folder.root, [watch, saver, checkpoints], **arguments)
    built.fit(trainer, checkpoint)
    return _Fitted(built, trainer, watch, saver, began)


def _judged(config: TrialConfig, trainer: Trainer) -> tuple[str, float | None]:
    """The objective's metric and value, or those of another that counts and is not finite."""
    primary = config.objective.metric
    logged = trainer.callback_metrics
    for metric in (primary, *config.watched.metrics):
        if metric in logged and not math.isfinite(logged[metric]):
            return metric, float(logged[metric])
    return primary, float(logged[primary]) if primary in logged else None


def _going_on(config: TrialConfig, folder: TrialFolder) -> str | None:
    """Go on from the checkpoint for one more batch; returns why that is impossible."""
    try:
        _fit(config, folder, train=1, val=1, checkpoint=folder.last_ckpt)
    except Exception as error:
        return in_words(error)
    return None


def _affordable(began: float, ends: list[float]) -> int:
    seconds = _per_batch(began, ends)
    return max(_FEWEST, min(_MOST, int(_TIMED_S / seconds) if seconds else _MOST))


def _per_batch(began: float, ends: list[float]) -> float:
    """Seconds from the end of one batch to the end of the next, its loading included."""
    if len(ends) < 2:
        return ends[0] - began if ends else 0.0
    return (ends[-1] - ends[0]) / (len(ends) - 1)


def _now(trainer: Trainer) -> float:
    if trainer.strategy.root_device.type == "cuda":
        torch.cuda.synchronize(trainer.strategy.root_device)
    return time.monotonic()


def _digest(model: LightningModule) -> str:
    state = model.state_dict()
    return " ".join(f"{checksum(state[name])}" for name in state if torch.is_tensor(state[name]))


def _memory(trainer: Trainer) -> dict[str, Any]:
    device = trainer.strategy.root_device
    if device.type != "cuda":
        return {
            "device": device.type,
            "peak_memory_bytes": peak_memory_bytes(),
            "memory_bytes": total_memory_bytes(),
        }
    return {
        "device": torch.cuda.get_device_name(device),
        "peak_memory_bytes": torch.cuda.max_memory_reserved(device),
        "memory_bytes": torch.cuda.mem_get_info(device)[1],
    }
