"""The callbacks that a trial adds to the user's Trainer.

Their base comes from optuna-integration, whose own base is `lightning.pytorch.Callback`; the
Trainer of `pytorch_lightning` accepts it as well, because callbacks are called by name only.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from optuna_integration.pytorch_lightning import PyTorchLightningPruningCallback

from search.messages import LoopEnded, Reported, Stepped
from search.trial.fitting.step_counter import StepCounter
from search.trial.process.failures import Diverged, PauseRequested
from search.trial.process.link import Link

_SIGN_S = 1.0


class Judge:
    """Stands in for an Optuna trial: sends reports up the channel and answers with its verdict.

    In a distributed trial only rank 0 has a channel; its verdict is broadcast, so that every rank
    leaves at the same validation.

    Args:
        end_after_epoch: called with what ends the attempt of a trial that is to wait.
        metrics: every logged metric that counts; each must be finite.
        steps: counts the steps of the reports.
    """

    def __init__(
        self,
        link: Link,
        metrics: Iterable[str],
        steps: StepCounter,
        end_after_epoch: Callable[[BaseException], None],
    ) -> None:
        self._link = link
        self._end_after_epoch = end_after_epoch
        self._metrics = tuple(metrics)
        self._steps = steps
        self._prune = False
        self.trainer: Any = None

    def report(self, value: float, step: int) -> None:
        """Send `value`; `step` is the epoch, in whose place the counted one is sent.

        Raises:
            Diverged: the value, or another metric that counts, is NaN or infinite; the value is
                reported all the same.
        """
        report = Reported(step=self._steps.step, epoch=step + 1, value=float(value))
        verdict = self._link.ask(report)
        if not math.isfinite(value):
            raise Diverged(f"the objective metric became {value} at epoch {step + 1}")
        for metric in self._metrics:
            other = float(self.trainer.callback_metrics[metric])
            if not math.isfinite(other):
                raise Diverged(f"{metric} became {other} at epoch {step + 1}")
        prune, pause = self.trainer.strategy.broadcast((verdict.prune, verdict.pause))
        self._prune = bool(prune)
        if pause:
            self._end_after_epoch(PauseRequested("waits to be chosen"))

    def should_prune(self) -> bool:
        return self._prune


class ReportCallback(PyTorchLightningPruningCallback):  # type: ignore[misc]  # untyped
    """Optuna's pruning callback with a `Judge` in place of a trial with a database."""

    def __init__(self, judge: Judge, metric: str) -> None:
        super().__init__(judge, monitor=metric)
        self._judge = judge

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The judge broadcasts by itself; Optuna's way through the database stays off."""
        self._judge.trainer = trainer
        self.is_ddp_backend = False


class SignsOfLife(Callback):
    """Tells the coordinator, once a second at most, that the attempt still makes steps."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._told_at = 0.0

    def on_train_batch_end(self, *args: object) -> None:
        self._tell()

    def on_validation_batch_end(self, *args: object) -> None:
        self._tell()

    def on_test_batch_end(self, *args: object) -> None:
        self._tell()

    def on_predict_batch_end(self, *args: object) -> None:
        self._tell()

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told_at >= _SIGN_S:
            self._told_at = now
            self._link.send(Stepped())


class ScriptSigns(SignsOfLife):
    """Says besides that a script works on by itself, once a fit or a test has ended."""

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._end_loop()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        self._end_loop()

    def _end_loop(self) -> None:
        self._link.send(LoopEnded())
        # the first step of the next one is told at once
        self._told_at = 0.0
