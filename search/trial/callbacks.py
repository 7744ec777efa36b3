"""The callbacks that a trial adds to the user's Trainer.

Their base comes from optuna-integration, whose own base is `lightning.pytorch.Callback`; the
Trainer of `pytorch_lightning` accepts it as well, because callbacks are called by name only.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback
from optuna_integration.pytorch_lightning import PyTorchLightningPruningCallback

from search.errors import UserError
from search.messages import Reported, Stepped
from search.study.layout import TrialFolder
from search.study.outcomes import RESOURCES
from search.study.writing import keep_copy
from search.trial.checkpoints import random_state, restore_random_state, save_checkpoint
from search.trial.failures import Diverged, StopRequested
from search.trial.reporting import Link

# an epoch shorter than this is repeated after an interruption, which is exact; a longer one is
# saved in the middle, where Lightning cannot restore the order of a shuffled loader
_MID_EPOCH_SAVE_S = 60.0
_SIGN_S = 1.0


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


class Judge:
    """Stands in for an Optuna trial: sends reports up the channel and answers with its verdict.

    In a distributed trial only rank 0 has a channel; its verdict is broadcast, so that every rank
    leaves at the same validation.

    Args:
        metrics: every logged metric that counts; each must be finite.
    """

    def __init__(self, link: Link, metrics: Iterable[str]) -> None:
        self._link = link
        self._metrics = tuple(metrics)
        self._prune = False
        self.trainer: Any = None

    def report(self, value: float, step: int) -> None:
        """Send `value`; `step` (the epoch) is refined where an epoch has several validations.

        Raises:
            Diverged: the value, or another metric that counts, is NaN or infinite; the value is
                reported all the same.
        """
        report = Reported(step=validation_step(self.trainer), epoch=step + 1, value=float(value))
        verdict = self._link.ask(report)
        if not math.isfinite(value):
            raise Diverged(f"the objective metric became {value} at epoch {step + 1}")
        for metric in self._metrics:
            other = float(self.trainer.callback_metrics[metric])
            if not math.isfinite(other):
                raise Diverged(f"{metric} became {other} at epoch {step + 1}")
        self._prune = bool(self.trainer.strategy.broadcast(verdict.prune))

    def should_prune(self) -> bool:
        return self._prune


def validation_step(trainer: Any) -> int:
    """The step of the validation that just ran, from 1.

    One validation an epoch or fewer: the number of epochs begun. Several an epoch: their number
    counted through, so that trials with the same interval can be compared step by step.
    """
    batches, interval = trainer.num_training_batches, trainer.val_check_batch
    if not math.isfinite(batches) or not interval or interval >= batches:
        return int(trainer.current_epoch) + 1
    per_epoch = int(batches // interval)
    done = int(trainer.fit_loop.epoch_loop.batch_progress.current.ready // interval)
    return int(trainer.current_epoch) * per_epoch + min(done, per_epoch)


class ReportCallback(PyTorchLightningPruningCallback):  # type: ignore[misc]  # untyped
    """Optuna's pruning callback with a `Judge` in place of a trial with a database."""

    def __init__(self, judge: Judge, metric: str) -> None:
        super().__init__(judge, monitor=metric)
        self._judge = judge

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """The judge broadcasts by itself; Optuna's way through the database stays off."""
        self._judge.trainer = trainer
        self.is_ddp_backend = False


class SignsOfLife(Callback):
    """Tells the coordinator, once a second at most, that the attempt still makes steps."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._told_at = 0.0

    def on_train_batch_end(self, *args: Any) -> None:
        self._tell()

    def on_validation_batch_end(self, *args: Any) -> None:
        self._tell()

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told_at >= _SIGN_S:
            self._told_at = now
            self._link.send(Stepped())


class MetricGuard(Callback):
    """Ends a fit that does not log a metric that counts; must come before `ReportCallback`.

    Args:
        metrics: each metric and its place in the study file.
    """

    def __init__(self, metrics: Mapping[str, str]) -> None:
        self._metrics = metrics
        self._validated = False

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        if not trainer.sanity_checking:
            self._validated = True
            for metric, place in self._metrics.items():
                if metric not in trainer.callback_metrics:
                    raise UserError(missing_metric(metric, place, list(trainer.callback_metrics)))

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        if not self._validated and trainer.ckpt_path is None:
            metric, place = next(iter(self._metrics.items()))
            raise UserError(missing_metric(metric, place, list(trainer.callback_metrics)))


def missing_metric(metric: str, place: str, logged: list[str]) -> str:
    """One line: what is missing, what there is, what was probably meant."""
    if not logged:
        return (
            f"{place}: {metric} is not logged at a validation, and nothing else is. "
            f'Call self.log("{metric}", ...) in validation_step.'
        )
    known = [*logged, *RESOURCES] if place != "objective.metric" else logged
    near = get_close_matches(metric, known, 1)
    remedy = f"Did you mean {near[0]}?" if near else "Name one of these, or log it."
    names = ", ".join(sorted(logged))
    return f"{place}: {metric} is not logged at a validation; logged are {names}. {remedy}"


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

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        # after the weights are restored and before the first loader draws its order
        if self._restored is not None:
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
        if trainer.is_global_zero and self._folder.last_ckpt.is_file():
            keep_copy(self._folder.last_ckpt, self._folder.previous_ckpt)
        save_checkpoint(trainer, self._folder.last_ckpt)
        self._saved_at = time.monotonic()

    def _save_best_now(self, trainer: Any) -> None:
        save_checkpoint(trainer, self._folder.best_ckpt)
        self._is_best = False
