"""Values of a trial: the moment of reading, then count, keep and report, in this order."""

from __future__ import annotations

from collections.abc import Mapping

from lightning.pytorch import Callback, LightningModule, Trainer

from search.errors import UserError
from search.trial.fitting.callbacks import ReportCallback
from search.trial.fitting.checkpoint_keeper import CheckpointKeeper
from search.trial.fitting.epoch_end import run_after
from search.trial.fitting.metrics import missing_metric, validates
from search.trial.fitting.step_counter import StepCounter


class ValueReader(Callback):
    """Reads the metrics that count at each validation, or at the end of each epoch where training
    alone logs one of them: counts the step, keeps the value, reports it. A value that was logged
    before, in another epoch or at another validation, is none of this one.

    Must come after the keeper.

    Args:
        metrics: each metric and its place in the study file.
        report: None where nobody is told.
        at_epoch_ends: whether one of them is of training although there are validations.
    """

    def __init__(
        self,
        metrics: Mapping[str, str],
        steps: StepCounter,
        keeper: CheckpointKeeper,
        report: ReportCallback | None,
        *,
        at_epoch_ends: bool,
    ) -> None:
        self._metrics = metrics
        self._steps = steps
        self._keeper = keeper
        self._report = report
        self._at_epoch_ends = at_epoch_ends
        # what Lightning held before; it keeps a metric through epochs that do not log it
        self._before: dict[str, object] = {}

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._report is not None:
            self._report.on_fit_start(trainer, pl_module)
        # a metric may be logged in the module's own hook
        run_after(pl_module, "on_train_epoch_end", lambda: self._end_epoch(trainer, pl_module))

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._before = dict(trainer.callback_metrics)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not self._at_epoch_ends:
            self._before = dict(trainer.callback_metrics)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking or self._at_epoch_ends:
            return
        for metric, place in self._metrics.items():
            if metric not in trainer.callback_metrics:
                logged = trainer.callback_metrics
                raise UserError(missing_metric(metric, place, logged, validated=True))
        if self._are_new(trainer.callback_metrics):
            self._read(trainer, pl_module, is_over=False)

    def _end_epoch(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if validates(trainer) and not self._at_epoch_ends:
            return
        if self._are_new(trainer.callback_metrics):
            self._read(trainer, pl_module, is_over=True)

    def _are_new(self, logged: Mapping[str, object]) -> bool:
        # Lightning makes a tensor anew for each value
        return all(
            metric in logged and logged[metric] is not self._before.get(metric)
            for metric in self._metrics
        )

    def _read(self, trainer: Trainer, pl_module: LightningModule, *, is_over: bool) -> None:
        self._steps.advance(trainer)
        self._keeper.note(trainer, is_over=is_over)
        if self._report is not None:
            self._report.on_validation_end(trainer, pl_module)
