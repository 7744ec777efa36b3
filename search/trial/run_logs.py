"""The runs of a trial's loggers from their beginning to their end, however the trial ends."""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

from lightning.pytorch import Callback
from lightning.pytorch.utilities.seed import isolate_rng

from search.messages import DONE, INFEASIBLE, INTERRUPTED, KILLED, PRUNED
from search.trial.build import Built
from search.trial.failures import cause_of
from search.trial.keeper import CheckpointKeeper
from search.trial.loggers import Run, alone, carry_over, config_digest, make_loggers

# the trial goes on after these, and its run with it
_NOT_FINAL = (INTERRUPTED, KILLED)
_FINISHED = (DONE, PRUNED, INFEASIBLE)
_MLFLOW_STATUS = {
    **dict.fromkeys(_FINISHED, "FINISHED"),
    **dict.fromkeys(_NOT_FINAL, "KILLED"),
}


class RunLogs(Callback):
    """Gives hyperparameters and the final metric to the loggers, and closes their runs.

    Args:
        config: the configuration of the trial.
        keeper: knows the value of the trial.
    """

    def __init__(
        self, config: Mapping[str, Any], built: Built, run: Run, keeper: CheckpointKeeper
    ) -> None:
        self._run = run
        self._keeper = keeper
        self._metric = config["objective"]["metric"]
        trial = config.get("trial", {})
        self._params = {
            **trial.get("params", {}),
            "seed_everything": config.get("seed_everything"),
        }
        has_own = built.trainer_arguments.get("logger") is not None
        self._ours = [] if has_own else make_loggers(config, run)
        self._cause = DONE

    @property
    def trainer_arguments(self) -> dict[str, Any]:
        """What the Trainer is given: nothing where it has a logger of the user's own."""
        return {"logger": self._ours} if self._ours else {}

    @contextlib.contextmanager
    def open(self, trainer: Any, effective_batch: int | None) -> Iterator[None]:
        """Begin the runs, or go on with them, and close them at the end of the block."""
        if effective_batch is not None:
            self._params["effective_batch"] = effective_batch
        if self._ours and trainer.is_global_zero:
            # W&B draws random numbers where it begins a run
            with isolate_rng(), alone(self._run):
                for logger in self._ours:
                    self._begin(logger)
        try:
            yield
        except BaseException as error:
            self._cause = cause_of(error)
            raise
        finally:
            if trainer.is_global_zero:
                for logger in trainer.loggers:
                    self._guarded(self._close, logger)

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        self._note_end(trainer, DONE)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self._note_end(trainer, cause_of(exception))

    def _begin(self, logger: Any) -> None:
        loggers = self._run.loggers
        if isinstance(logger, loggers.CSVLogger):
            carry_over(logger, self._run.steps)
        elif isinstance(logger, loggers.WandbLogger):
            self._run.remember(wandb=str(logger.version))
        elif isinstance(logger, loggers.MLFlowLogger):
            digest = config_digest(self._run.folder)
            self._run.remember(mlflow=logger.run_id, mlflow_config=digest)
            logger.experiment.update_run(logger.run_id, status="RUNNING")
        logger.log_hyperparams(self._params)

    def _note_end(self, trainer: Any, cause: str) -> None:
        """Write the final metric while the loggers are open still."""
        value = self._keeper.value if cause == DONE else self._keeper.last
        if cause in _NOT_FINAL or value is None or not trainer.is_global_zero:
            return
        for logger in self._ours:
            self._guarded(self._note_value, logger, value, trainer.global_step)

    def _note_value(self, logger: Any, value: float, step: int) -> None:
        final = {f"final/{self._metric}": value}
        if isinstance(logger, self._run.loggers.TensorBoardLogger):
            logger.log_hyperparams(self._params, final, step)
        else:
            logger.log_metrics(final, step)

    def _close(self, logger: Any) -> None:
        """End the run itself, which Lightning leaves open in W&B and calls failed in MLflow."""
        loggers = self._run.loggers
        if isinstance(logger, loggers.WandbLogger):
            logger.experiment.summary["cause"] = self._cause
            logger.experiment.finish(exit_code=0 if self._cause in _FINISHED else 1)
        elif isinstance(logger, loggers.MLFlowLogger):
            logger.experiment.set_tag(logger.run_id, "cause", self._cause)
            logger.finalize(_MLFLOW_STATUS.get(self._cause, "FAILED"))

    @staticmethod
    def _guarded(step: Any, *arguments: Any) -> None:
        # the trial has its value; a logger that fails now must not take it
        try:
            step(*arguments)
        except Exception:
            traceback.print_exc()
