"""What a study will take, from a dry trial of a few batches."""

from __future__ import annotations

import math
from dataclasses import dataclass

from search.answers import DryRun
from search.store.retention import CHECKPOINTS_A_TRIAL

# a complete trial keeps its last and its best checkpoint
_KEPT = 2
_SERVER_S = 5.0


@dataclass(frozen=True)
class Bill:
    """Seconds, bytes and what was assumed; None where the length of a trial is not known.

    `memory_bytes` are those of all workers, of `available_bytes` that the device has.
    """

    trials: int
    workers: int
    trial_s: float | None
    study_s: float | None
    trial_memory_bytes: int
    memory_bytes: int
    available_bytes: int
    device: str
    disk_bytes: int
    assumed: tuple[str, ...]


def bill(dry: DryRun, *, trials: int, workers: int, kept: int | None, gpus: int) -> Bill:
    """Extrapolate a dry trial.

    Args:
        kept: how many trials keep their checkpoints; None for every one.
        gpus: devices that the workers share.
    """
    workers = min(workers, trials)
    trial_s = trial_seconds(dry)
    rounds = math.ceil(trials / workers)
    sharing = math.ceil(workers / gpus) if gpus else workers
    keepers = trials if kept is None else min(kept, trials)
    return Bill(
        trials=trials,
        workers=workers,
        trial_s=trial_s,
        study_s=None if trial_s is None else rounds * trial_s + _SERVER_S,
        trial_memory_bytes=dry.peak_memory_bytes,
        memory_bytes=dry.peak_memory_bytes * sharing,
        available_bytes=dry.memory_bytes,
        device=dry.device,
        disk_bytes=dry.checkpoint_bytes * (_KEPT * keepers + CHECKPOINTS_A_TRIAL * workers),
        assumed=tuple(_assumed(dry, workers)),
    )


def trial_seconds(dry: DryRun) -> float | None:
    """Seconds of a whole trial; None where nothing limits it that is known."""
    if dry.trial_train_batches is None or dry.trial_epochs is None:
        return dry.trial_max_s
    val_batches = dry.trial_val_batches
    if val_batches is None:
        val_batches = dry.val_batches * dry.trial_epochs
    seconds = (
        dry.begin_s
        + dry.trial_train_batches * dry.train_batch_s
        + val_batches * dry.val_batch_s
        + dry.trial_epochs * dry.save_s
    )
    return seconds if dry.trial_max_s is None else min(seconds, dry.begin_s + dry.trial_max_s)


def _assumed(dry: DryRun, workers: int) -> list[str]:
    assumed = ["no trial is pruned or stops early", "values in the middle of their ranges"]
    if workers > 1:
        assumed.append("workers do not slow each other down")
    if dry.trial_val_batches is None and dry.trial_train_batches is not None:
        assumed.append(f"a validation has the {dry.val_batches} batches that were run")
    return assumed
