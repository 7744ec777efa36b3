"""The keeper of a trial's checkpoints, and with them of its value."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from search.layout import TrialFolder
from search.plain.whole_files import keep_copy
from search.study_file.objective import Objective
from search.trial.building.importing import is_lightnings
from search.trial.building.trainer import callbacks_on
from search.trial.checkpoints.files import save_checkpoint
from search.trial.fitting.epoch_end import (
    EpochEnd,
    FirstCallback,
    counted_as,
    epoch_end,
    go_on,
    run_after,
    trainer_state,
    weights_may_change,
)
from search.trial.process.failures import StopRequested
from search.trial.process.link import Link
from search.trial.process.ranks import gather_from_ranks

# an epoch shorter than this is repeated after an interruption, which is exact; a longer one is
# saved in the middle, where Lightning cannot restore the order of a shuffled loader
_MID_EPOCH_SAVE_S = 60.0
# callbacks of Lightning's that tune before a fit
_FINDERS = ("LearningRateFinder", "BatchSizeFinder")


class CheckpointKeeper(Callback):
    """Keeps `last.ckpt` (every epoch) and `best.ckpt`, and with them the value of the trial.

    Checkpoints are taken when an epoch is over for everyone, the one point from which a trial goes
    on to the same result as if nothing had happened. A validation that is the best so far is saved
    on the spot where the weights may change before that: within an epoch, or by a hook.

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
        self._of_ranks: list[dict[str, object]] = []
        # from the end of an epoch until it is saved
        self._epoch_end: EpochEnd | None = None
        self._is_best = False
        self._saved_at = time.monotonic()
        self._saves_best_at_once = False
        self.best: float | None = None
        self.last: float | None = None
        # whether the fit has come to its first epoch, all that it goes on from restored
        self.has_begun = False

    def join(self, trainer: Trainer, *, goes_on: bool) -> None:
        """Take a place before all other callbacks of a Trainer, too.

        Args:
            goes_on: whether the trial goes on from a checkpoint. Then nothing is done that is done
                once before the first epoch: finding a learning rate would begin the fit anew.
        """
        others = callbacks_on(trainer)
        if goes_on:
            trainer.num_sanity_val_steps = 0
            others = [each for each in others if not is_lightnings(each, *_FINDERS)]
        callbacks_on(trainer)[:] = [FirstCallback(self._save_between), *others]

    @property
    def value(self) -> float | None:
        """The objective value of the trial so far."""
        return self.best if self._objective.value == "best" else self.last

    @property
    def metrics(self) -> dict[str, float]:
        """Every metric that counts, at the validation that `value` is from."""
        return self._at_best if self._objective.value == "best" else self._at_last

    @property
    def last_metrics(self) -> dict[str, float]:
        """Every metric that counts, at the last validation."""
        return self._at_last

    def state_dict(self) -> dict[str, Any]:
        return {
            "best": self.best,
            # whether this very checkpoint is the best one
            "is_best": self._is_best,
            "last": self.last,
            "at_best": self._at_best,
            "at_last": self._at_last,
            # sums over threads differ in their last bits: their number belongs to the result
            "threads": torch.get_num_threads(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best, self.last = state_dict["best"], state_dict["last"]
        # not in checkpoints of releases that knew one objective only
        self._at_best = state_dict.get("at_best", {})
        self._at_last = state_dict.get("at_last", {})
        self._restored = state_dict

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        end = self._epoch_end or epoch_end(trainer)
        checkpoint["callbacks"][self.state_key] |= {
            **trainer_state(trainer),
            **end.drawn,
            # of every rank of a distributed trial, the first included
            "of_ranks": self._of_ranks,
            "in_the_middle": self._epoch_end is None,
        }

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        # an attempt can end between the two names of one checkpoint
        is_best = checkpoint["callbacks"].get(self.state_key, {}).get("is_best")
        if is_best and trainer.is_global_zero:
            keep_copy(Path(str(trainer.ckpt_path)), self._folder.best_ckpt)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._saves_best_at_once = weights_may_change(trainer)
        run_after(pl_module, "on_train_start", lambda: self._go_on(trainer))
        run_after(pl_module, "on_train_epoch_end", lambda: self._note_end(trainer))

    def on_train_batch_end(self, trainer: Trainer, *args: object) -> None:
        stop = self._link.stop_requested
        if trainer.world_size > 1:
            stop = trainer.strategy.reduce_boolean_decision(stop, all=False)
        if stop:
            if time.monotonic() - self._saved_at > _MID_EPOCH_SAVE_S:
                self._save_last(trainer)
            raise StopRequested("interrupted; goes on from its last checkpoint")

    def note(self, trainer: Trainer, *, is_over: bool = False) -> None:
        """Read the metrics that count, and keep the best.

        Args:
            is_over: whether the epoch is, and its checkpoint about to be taken.
        """
        self._at_last = {name: float(trainer.callback_metrics[name]) for name in self._metrics}
        self.last = self._at_last[self._objective.metric]
        if self._objective.improves(self.last, self.best):
            self.best, self._at_best, self._is_best = self.last, self._at_last, True
            is_last_batch = trainer.fit_loop.epoch_loop.batch_progress.is_last_batch
            if not is_over and (self._saves_best_at_once or not is_last_batch):
                self._save_best_now(trainer)

    def _go_on(self, trainer: Trainer) -> None:
        if self._restored is not None:
            self._restore(trainer, self._restored)
            self._restored = None
        self.has_begun = True

    def _restore(self, trainer: Trainer, state: Mapping[str, Any]) -> None:
        of_ranks = state.get("of_ranks", [])
        is_same = len(of_ranks) == trainer.world_size
        drawn = of_ranks[trainer.global_rank] if is_same else {}
        go_on(trainer, {**state, **drawn})

    def _note_end(self, trainer: Trainer) -> None:
        self._epoch_end = epoch_end(trainer)

    def _save_between(self, trainer: Trainer) -> None:
        if self._epoch_end is None:
            return
        with counted_as(trainer, self._epoch_end):
            self._save_last(trainer)
            if self._is_best and trainer.is_global_zero:
                keep_copy(self._folder.last_ckpt, self._folder.best_ckpt)
        self._is_best = False
        self._epoch_end = None

    def _save_last(self, trainer: Trainer) -> None:
        if trainer.is_global_zero and self._folder.last_ckpt.exists():
            keep_copy(self._folder.last_ckpt, self._folder.previous_ckpt)
        self._save(trainer, self._folder.last_ckpt)
        self._saved_at = time.monotonic()

    def _save_best_now(self, trainer: Trainer) -> None:
        self._save(trainer, self._folder.best_ckpt)
        self._is_best = False

    def _save(self, trainer: Trainer, path: Path) -> None:
        if trainer.world_size > 1:
            end = self._epoch_end or epoch_end(trainer)
            self._of_ranks = gather_from_ranks(trainer, end.drawn)
        stepped = trainer.fit_loop.epoch_loop.on_save_checkpoint()["_batches_that_stepped"]
        kept = {
            "best": self.best,
            "is_best": self._is_best,
            "at_last": self._at_last,
            "threads": torch.get_num_threads(),
            "stepped": stepped,
        }
        save_checkpoint(trainer, path, kept)
