"""The keeper of a trial's checkpoints, and with them of its value."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from search.layout import TrialFolder
from search.messages import Saved
from search.plain.tree import Tree
from search.study_file.objective import Objective
from search.trial.building.trainer import callbacks_on, without_finders
from search.trial.checkpoints.carry_over import as_plain, lay_own_over, made_by_configuration
from search.trial.checkpoints.writer import CheckpointWriter
from search.trial.fitting.epoch_end import (
    EpochEnd,
    FirstCallback,
    counted_as,
    epoch_end,
    go_on,
    nothing_drawn,
    run_after,
    trainer_state,
    weights_may_change,
)
from search.trial.fitting.idle_hooks import leave_out_idle_hooks
from search.trial.fitting.save_interval import SaveInterval
from search.trial.process.failures import StopRequested
from search.trial.process.link import Link
from search.trial.process.ranks import gather_from_ranks

# an epoch that a stop finds longer under way is saved in the middle, where Lightning cannot restore
# the order of a shuffled loader; a shorter one is repeated, which is exact
_MID_EPOCH_SAVE_S = 60.0
# a stop lets an epoch end that is over within this, and saves it; the coordinator waits twice as
# long for both. The end of a longer one is held in memory
_FINISH_EPOCH_S = 5.0
_INTERRUPTED = "interrupted; goes on from its last checkpoint"


@dataclass(frozen=True)
class _Plan:
    """What becomes of the end of an epoch, as rank 0 decides for all."""

    stops: bool
    is_written: bool
    is_best: bool
    # where it is not written
    is_held: bool


class CheckpointKeeper(Callback):
    """Keeps `last.ckpt` and `best.ckpt`, and with them the value of the trial.

    Checkpoints are taken when an epoch is over for everyone, the one point from which a trial goes
    on to the same result as if nothing had happened; they are written when training has earned it,
    at the end of the fit, and where the trial is to end. The best stays in memory until then: a
    kill repeats the epochs since `last.ckpt`, which says what was best when it was written. A
    validation that is the best so far is taken on the spot where the weights may change before
    that: within an epoch, or by a hook.

    Args:
        metrics: every logged metric that counts.
        interval: says when a checkpoint is earned.
        begins_branch: the checkpoint that is restored is another trial's, whose values are not
            those of this one, and whose hyperparameters do not hold.
    """

    def __init__(
        self,
        folder: TrialFolder,
        objective: Objective,
        metrics: Iterable[str],
        link: Link,
        interval: SaveInterval | None = None,
        *,
        begins_branch: bool = False,
    ) -> None:
        self._writer = CheckpointWriter(folder)
        self._interval = interval or SaveInterval()
        self._objective = objective
        self._metrics = tuple(metrics)
        self._link = link
        self._at_best: dict[str, float] = {}
        self._at_last: dict[str, float] = {}
        self._begins_branch = begins_branch
        # what the configuration alone makes of optimizers and schedulers, as plain data; for a
        # branch as it is, too
        self._made: object = {}
        self._own: Tree = {}
        self._restored: dict[str, Any] | None = None
        self._of_ranks: list[dict[str, object]] = []
        # from the end of an epoch until it is saved
        self._epoch_end: EpochEnd | None = None
        self._is_best = False
        self._epoch_began = time.monotonic()
        # of the longest epoch so far, that with a validation perhaps; None before one is over
        self._longest_s: float | None = None
        self._stop_seen_at: float | None = None
        # raised when the present epoch is over and saved
        self._reason_to_end: BaseException | None = None
        # whether the attempt ends with the checkpoint that is taken
        self._is_final = False
        # training after the checkpoint that a trial goes on from, which a kill took
        self._lost_s = 0.0
        # the seconds between two checkpoints that the coordinator knows
        self._told_s = 0.0
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
            others = without_finders(others)
        first = FirstCallback(self._begin_epoch, self._end_fit)
        leave_out_idle_hooks(first)
        callbacks_on(trainer)[:] = [first, *others]

    def end_after_epoch(self, reason: BaseException) -> None:
        """End the attempt when the present epoch is over: it is saved, then `reason` is raised,
        unless the fit is over with it. Every rank must call it."""
        self._reason_to_end = reason

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
            # what the one before took
            "writing_s": self._interval.writing_s,
            # whether its attempt ended with it: no training after it was lost
            "is_final": self._is_final,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._restored = state_dict
        if self._begins_branch:
            return
        self.best, self.last = state_dict["best"], state_dict["last"]
        # not in checkpoints of releases that knew one objective only
        self._at_best = state_dict.get("at_best", {})
        self._at_last = state_dict.get("at_last", {})

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
            "made": self._made,
        }

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        state = checkpoint["callbacks"].get(self.state_key, {})
        if self._begins_branch:
            return
        if state.get("is_best"):
            self._writer.recall_best(trainer)
        if not state.get("is_final", True):
            written_at = Path(str(trainer.ckpt_path)).stat().st_mtime
            self._lost_s = max(0.0, time.time() - written_at)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        made = made_by_configuration(trainer)
        self._made = as_plain(made)
        if self._begins_branch:
            self._own = copy.deepcopy(made)
        self._saves_best_at_once = weights_may_change(trainer)
        run_after(pl_module, "on_train_start", lambda: self._go_on(trainer))
        run_after(pl_module, "on_train_epoch_end", lambda: self._note_end(trainer))

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        stop = self._link.stop_requested
        if trainer.world_size > 1:
            stop = trainer.strategy.reduce_boolean_decision(stop, all=False)
        if stop and not trainer.strategy.broadcast(self._ends_soon(trainer, batch_idx)):
            self._stop_within_epoch(trainer)

    def _ends_soon(self, trainer: Trainer, batch_idx: int) -> bool:
        """Estimate whether the epoch is over a short while after the stop was seen."""
        now = time.monotonic()
        if self._stop_seen_at is None:
            self._stop_seen_at = now
        passed_s = now - self._epoch_began
        left_s = passed_s / (batch_idx + 1) * (trainer.num_training_batches - batch_idx - 1)
        if self._longest_s is not None:
            # with its validation; a loader may not know its length
            whole_s = max(0.0, self._longest_s - passed_s)
            left_s = max(left_s, whole_s) if math.isfinite(left_s) else whole_s
        return now - self._stop_seen_at + left_s <= _FINISH_EPOCH_S

    def _stop_within_epoch(self, trainer: Trainer) -> None:
        """End the attempt in the middle of an epoch.

        Raises:
            StopRequested: always.
        """
        passed_s = time.monotonic() - self._epoch_began
        self._link.settle()
        if trainer.strategy.broadcast(passed_s > _MID_EPOCH_SAVE_S):
            self._write_last(trainer, is_best=False, is_final=True)
        else:
            self._writer.write_held(trainer)
        raise StopRequested(_INTERRUPTED)

    def note(self, trainer: Trainer, *, is_over: bool = False) -> None:
        """Read the metrics that count, and keep the best.

        Args:
            is_over: whether the epoch is, and its checkpoint about to be taken.
        """
        self._at_last = {name: float(trainer.callback_metrics[name]) for name in self._metrics}
        self.last = self._at_last[self._objective.metric]
        is_last_batch = trainer.fit_loop.epoch_loop.batch_progress.is_last_batch
        is_taken_now = not is_over and (self._saves_best_at_once or not is_last_batch)
        improves = self._objective.improves(self.last, self.best)
        if is_taken_now:
            # every rank takes part, and a metric may differ between them
            improves = trainer.strategy.broadcast(improves)
        if improves:
            self.best, self._at_best, self._is_best = self.last, self._at_last, True
            if is_taken_now:
                self._take_best_now(trainer)

    def _go_on(self, trainer: Trainer) -> None:
        if self._restored is not None:
            self._restore(trainer, self._restored)
            if self._begins_branch:
                lay_own_over(trainer, self._restored["made"], self._own)
            self._interval.go_on(self._restored.get("writing_s"), self._lost_s)
            self._restored = None
        self.has_begun = True

    def _restore(self, trainer: Trainer, state: Mapping[str, Any]) -> None:
        of_ranks = state.get("of_ranks", [])
        is_same = len(of_ranks) == trainer.world_size
        drawn = of_ranks[trainer.global_rank] if is_same else {}
        go_on(trainer, {**state, **drawn})

    def _note_end(self, trainer: Trainer) -> None:
        self._epoch_end = epoch_end(trainer)
        self._longest_s = max(self._longest_s or 0.0, time.monotonic() - self._epoch_began)

    def _begin_epoch(self, trainer: Trainer) -> None:
        """Come between two epochs, or before the first.

        Raises:
            StopRequested, or what else is to end the attempt here.
        """
        if self._epoch_end is not None:
            plan: _Plan = trainer.strategy.broadcast(self._plan(trainer))
            if plan.stops and self._reason_to_end is None:
                self.end_after_epoch(StopRequested(_INTERRUPTED))
            self._keep(trainer, plan)
            if self._reason_to_end is not None:
                raise self._reason_to_end
        self._epoch_began = time.monotonic()

    def _end_fit(self, trainer: Trainer) -> None:
        if self._epoch_end is not None:
            plan: _Plan = trainer.strategy.broadcast(self._plan(trainer))
            self._keep(trainer, replace(plan, stops=True, is_written=True))

    def _plan(self, trainer: Trainer) -> _Plan:
        stops = self._link.stop_requested or self._reason_to_end is not None
        can_hold = self._writer.can_hold(trainer)
        # one that a stop in its middle could not wait for
        is_long = (self._longest_s or 0.0) > _FINISH_EPOCH_S
        is_wanted = self._is_best or is_long
        return _Plan(
            stops=stops,
            is_written=stops or self._interval.is_earned or (is_wanted and not can_hold),
            is_best=self._is_best,
            is_held=is_wanted and can_hold,
        )

    def _keep(self, trainer: Trainer, plan: _Plan) -> None:
        """Write the checkpoint of the epoch that is over, or hold it, as planned."""
        assert self._epoch_end is not None
        with counted_as(trainer, self._epoch_end), nothing_drawn():
            if plan.is_written:
                self._write_last(trainer, is_best=plan.is_best, is_final=plan.stops)
            elif plan.is_held:
                self._hold(trainer, is_best=plan.is_best, is_last=True)
        self._is_best = False
        self._epoch_end = None

    def _hold(self, trainer: Trainer, *, is_best: bool, is_last: bool) -> None:
        self._is_final = False
        self._gather(trainer)
        with self._interval.copying():
            self._writer.hold(trainer, is_best=is_best, is_last=is_last)

    def _write_last(self, trainer: Trainer, *, is_best: bool, is_final: bool) -> None:
        # a report that nobody has written would never be said again
        self._link.settle()
        self._is_final = is_final
        self._gather(trainer)
        with self._interval.writing():
            self._writer.write_last(trainer, self._kept(trainer), is_best=is_best)
        every_s = self._interval.seconds
        if not self._told_s / 2 < every_s < self._told_s * 2:
            self._told_s = every_s
            epoch = trainer.fit_loop.epoch_progress.current.processed  # type: ignore[attr-defined]
            self._link.send(Saved(every_s, epoch))

    def _take_best_now(self, trainer: Trainer) -> None:
        if trainer.strategy.broadcast(self._writer.can_hold(trainer)):
            self._hold(trainer, is_best=True, is_last=False)
        else:
            self._gather(trainer)
            self._writer.write_best(trainer, self._kept(trainer))
        self._is_best = False

    def _gather(self, trainer: Trainer) -> None:
        """Bring what each rank has drawn to the first, which writes it."""
        if trainer.world_size > 1:
            end = self._epoch_end or epoch_end(trainer)
            self._of_ranks = gather_from_ranks(trainer, end.drawn)

    def _kept(self, trainer: Trainer) -> dict[str, Any]:
        stepped = trainer.fit_loop.epoch_loop.on_save_checkpoint()["_batches_that_stepped"]
        return {
            "best": self.best,
            "is_best": self._is_best,
            "at_last": self._at_last,
            "threads": torch.get_num_threads(),
            "stepped": stepped,
        }
