"""The keeper of a trial's checkpoints, and with them of its value."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback

from search.study.layout import TrialFolder
from search.study.writing import keep_copy
from search.trial.checkpoints import random_state, restore_random_state, save_checkpoint
from search.trial.failures import StopRequested
from search.trial.ranks import gathered
from search.trial.reporting import Link

# an epoch shorter than this is repeated after an interruption, which is exact; a longer one is
# saved in the middle, where Lightning cannot restore the order of a shuffled loader
_MID_EPOCH_SAVE_S = 60.0


@dataclass(frozen=True)
class Objective:
    """What is judged: `metric` as it is logged, `direction` minimize or maximize, and whether the
    `value` of a trial is that of its best or its last validation."""

    metric: str
    direction: str
    value: str

    def improves(self, new: float, old: float | None) -> bool:
        """Whether `new` is strictly better than `old`."""
        if old is None:
            return True
        return new < old if self.direction == "minimize" else new > old


class CheckpointKeeper(Callback):
    """Keeps `last.ckpt` (every epoch) and `best.ckpt`, and with them the value of the trial.

    Checkpoints are taken at the end of an epoch, the one point from which Lightning goes on to the
    same result as if nothing had happened; only a validation inside an epoch that is the best so
    far is saved on the spot.

    Args:
        metrics: every logged metric that counts.
    """

    def __init__(
        self, folder: TrialFolder, objective: Objective, metrics: Iterable[str], link: Link
    ) -> None:
        self._folder = folder
        self._objective = objective
        self._metrics = tuple(metrics)
        self._link = link
        self._at_best: dict[str, float] = {}
        self._at_last: dict[str, float] = {}
        self._restored: dict[str, Any] | None = None
        self._restored_ranks: list[dict[str, Any]] = []
        self._trainer: Any = None
        self._ranks: list[dict[str, Any]] = []
        self._is_best = False
        self._is_restored_best = False
        self._saved_at = time.monotonic()
        self.best: float | None = None
        self.last: float | None = None

    @property
    def value(self) -> float | None:
        """The objective value of the trial so far."""
        return self.best if self._objective.value == "best" else self.last

    @property
    def metrics(self) -> dict[str, float]:
        """Every metric that counts, at the validation that `value` is from."""
        return self._at_best if self._objective.value == "best" else self._at_last

    def state_dict(self) -> dict[str, Any]:
        return {
            "best": self.best,
            # whether this very checkpoint is the best one
            "is_best": self._is_best,
            "last": self.last,
            "at_best": self._at_best,
            "at_last": self._at_last,
            "random": random_state(),
            # of every rank of a distributed trial, the first included
            "random_of_ranks": self._ranks,
            # sums over threads differ in their last bits: their number belongs to the result
            "threads": torch.get_num_threads(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best, self.last = state_dict["best"], state_dict["last"]
        self._is_restored_best = bool(state_dict.get("is_best"))
        # not in checkpoints of releases that knew one objective only
        self._at_best = state_dict.get("at_best", {})
        self._at_last = state_dict.get("at_last", {})
        self._restored = state_dict["random"]
        self._restored_ranks = state_dict.get("random_of_ranks", [])
        if self._trainer is not None:
            self._go_on(self._trainer)

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        # sharded strategies restore later, when they have set up their model
        self._trainer = trainer
        self._go_on(trainer)

    def _go_on(self, trainer: Any) -> None:
        # after the weights are restored and before the first loader draws its order
        if self._restored is not None:
            if len(self._restored_ranks) == trainer.world_size:
                self._restored = self._restored_ranks[trainer.global_rank]
            restore_random_state(self._restored)
        # an attempt can end between the two names of one checkpoint
        if self._is_restored_best and trainer.is_global_zero:
            keep_copy(Path(trainer.ckpt_path), self._folder.best_ckpt)

    def on_train_batch_end(self, trainer: Any, *args: Any) -> None:
        stop = self._link.stop_requested
        if trainer.world_size > 1:
            stop = trainer.strategy.reduce_boolean_decision(stop, all=False)
        if stop:
            if time.monotonic() - self._saved_at > _MID_EPOCH_SAVE_S:
                self._save_last(trainer)
            raise StopRequested("interrupted; goes on from its last checkpoint")

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        if trainer.sanity_checking:
            return
        self._at_last = {name: float(trainer.callback_metrics[name]) for name in self._metrics}
        self.last = self._at_last[self._objective.metric]
        if self._objective.improves(self.last, self.best):
            self.best, self._at_best, self._is_best = self.last, self._at_last, True
            if not trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
                self._save_best_now(trainer)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        self._save_last(trainer)
        if self._is_best and trainer.is_global_zero:
            keep_copy(self._folder.last_ckpt, self._folder.best_ckpt)
        self._is_best = False

    def _save_last(self, trainer: Any) -> None:
        if trainer.is_global_zero and self._folder.last_ckpt.exists():
            keep_copy(self._folder.last_ckpt, self._folder.previous_ckpt)
        self._save(trainer, self._folder.last_ckpt)
        self._saved_at = time.monotonic()

    def _save_best_now(self, trainer: Any) -> None:
        self._save(trainer, self._folder.best_ckpt)
        self._is_best = False

    def _save(self, trainer: Any, path: Path) -> None:
        self._ranks = gathered(trainer, random_state()) if trainer.world_size > 1 else []
        stepped = trainer.fit_loop.epoch_loop.on_save_checkpoint()["_batches_that_stepped"]
        kept = {
            "best": self.best,
            "is_best": self._is_best,
            "threads": torch.get_num_threads(),
            "stepped": stepped,
        }
        save_checkpoint(trainer, path, kept)
