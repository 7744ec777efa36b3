"""The runs of a trial's loggers from the beginning of its fit to its end, however that comes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from lightning.pytorch import Callback, LightningModule, Trainer

from search.messages import DONE
from search.study_file.trial_config import TrialConfig
from search.trial.building.build import Built
from search.trial.fitting.checkpoint_keeper import CheckpointKeeper
from search.trial.fitting.logger_runs import NOT_FINAL, LoggerRuns
from search.trial.fitting.loggers import Run
from search.trial.fitting.resources import ResourceMeter
from search.trial.process.failures import cause_of


class RunLogs(Callback):
    """Gives hyperparameters and the final values to the loggers, and closes their runs.

    Args:
        config: the configuration of the trial.
        keeper: knows the values of the trial.
        meter: knows what it took.
        resources: what of that is an objective.
    """

    def __init__(
        self,
        config: TrialConfig,
        built: Built,
        run: Run,
        keeper: CheckpointKeeper,
        meter: ResourceMeter,
        resources: Sequence[str],
    ) -> None:
        self._keeper = keeper
        self._meter = meter
        self._resources = resources
        has_own = built.trainer_arguments.get("logger") is not None
        self._runs = LoggerRuns(replace(config, logger=()) if has_own else config, run)
        self._cause = DONE

    @property
    def loggers(self) -> Sequence[object]:
        """The loggers for the Trainer; none where it has one of the user's own."""
        return self._runs.loggers

    @contextlib.contextmanager
    def open(self, trainer: Trainer, effective_batch: int | None) -> Iterator[None]:
        """Begin the runs, or go on with them, and close them at the end of the block."""
        if self._runs.loggers and trainer.is_global_zero:
            self._runs.begin(effective_batch)
        try:
            yield
        except BaseException as error:
            self._cause = cause_of(error)
            raise
        finally:
            if trainer.is_global_zero:
                self._runs.close(trainer.loggers, self._cause)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._note_end(trainer, DONE)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        self._note_end(trainer, cause_of(exception))

    def _note_end(self, trainer: Trainer, cause: str) -> None:
        """Write the final values while the loggers are open still."""
        values = self._keeper.metrics if cause == DONE else self._keeper.last_metrics
        if cause in NOT_FINAL or not values or not trainer.is_global_zero:
            return
        taken = {name: getattr(self._meter.measured, name) for name in self._resources}
        known = {name: value for name, value in taken.items() if value is not None}
        self._runs.note({**values, **known}, trainer.global_step)
