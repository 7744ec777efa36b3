"""The runs of a trial in the loggers of its study: begun, given final values, closed.

The process that trained may not live to see its end; then another one closes them.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from lightning.pytorch.utilities.seed import isolate_rng

from search.layout import TrialFolder
from search.messages import DONE, INFEASIBLE, INTERRUPTED, KILLED, LOST, PAUSED, PRUNED, Ended
from search.plain.whole_files import make_folder
from search.study_file.trial_config import TrialConfig
from search.trial.building.build import lightning_of_model
from search.trial.checkpoints.files import kept_state, resume_point
from search.trial.fitting.loggers import Run, alone, carry_over, config_digest, make_loggers, run_of

# the trial goes on after these, and its run with it
NOT_FINAL = (INTERRUPTED, KILLED, PAUSED)
_FINISHED = (DONE, PRUNED, INFEASIBLE)
_MLFLOW_STATUS = {
    **dict.fromkeys(_FINISHED, "FINISHED"),
    **dict.fromkeys((*NOT_FINAL, LOST), "KILLED"),
}


class LoggerRuns:
    """One run a logger.

    Args:
        config: the configuration of the trial.
    """

    def __init__(self, config: TrialConfig, run: Run) -> None:
        self._run = run
        self._params = {
            **config.trial.params,
            "seed_everything": config.sections.seed_everything,
        }
        self.loggers = make_loggers(config, run)

    def begin(self, effective_batch: int | None) -> None:
        """Begin the runs, or go on with them."""
        if effective_batch is not None:
            self._params["effective_batch"] = effective_batch
        # says of any logger that the trial has a run
        make_folder(self._run.folder.logs)
        # W&B draws random numbers where it begins a run
        with isolate_rng(), alone(self._run):
            for logger in self.loggers:
                self._begin(logger)

    def note(self, values: Mapping[str, float], step: int) -> None:
        """Write the final values, by the names of their metrics."""
        finals = {f"final/{name}": value for name, value in values.items()}
        if finals:
            for logger in self.loggers:
                _guarded(self._note, logger, finals, step)

    def close(self, loggers: Iterable[object], cause: str) -> None:
        """End runs that Lightning leaves open in W&B and calls failed in MLflow.

        Args:
            loggers: ours, or the user's own.
        """
        for logger in loggers:
            _guarded(self._close, logger, cause)

    def _begin(self, logger: Any) -> None:
        loggers = self._run.loggers
        match logger:
            case loggers.CSVLogger():
                carry_over(logger, self._run.steps)
            case loggers.WandbLogger():
                self._run.remember(wandb=str(logger.version))
            case loggers.MLFlowLogger():
                digest = config_digest(self._run.folder)
                self._run.remember(mlflow=logger.run_id, mlflow_config=digest)
                logger.experiment.update_run(logger.run_id, status="RUNNING")
        logger.log_hyperparams(self._params)

    def _note(self, logger: Any, finals: dict[str, float], step: int) -> None:
        if isinstance(logger, self._run.loggers.TensorBoardLogger):
            logger.log_hyperparams(self._params, finals, step)
        else:
            logger.log_metrics(finals, step)

    def _close(self, logger: object, cause: str) -> None:
        loggers = self._run.loggers
        match logger:
            case loggers.WandbLogger():
                logger.experiment.summary["cause"] = cause
                logger.experiment.finish(exit_code=0 if cause in (*_FINISHED, PAUSED) else 1)
            case loggers.MLFlowLogger():
                logger.experiment.set_tag(logger.run_id, "cause", cause)
                logger.finalize(_MLFLOW_STATUS.get(cause, "FAILED"))
            case loggers.CSVLogger() | loggers.TensorBoardLogger():
                logger.finalize("success")


def close_runs(config: TrialConfig, folder: TrialFolder) -> Ended:
    """Close the runs of a trial whose process died, as its `ending` says."""
    ending = json.loads(folder.ending.read_text("utf-8"))
    checkpoint = resume_point(folder)
    run = run_of(config, folder, lightning_of_model(config.sections), checkpoint)
    # nothing of it will be written anew, so all that was logged stays
    runs = LoggerRuns(config, replace(run, steps=sys.maxsize))
    runs.begin(ending["effective_batch"])
    kept = kept_state(checkpoint).get("at_last", {}) if checkpoint else {}
    # all of one validation: of the last that a checkpoint holds, which later ones may have followed
    runs.note({**ending["values"], **kept}, run.steps or 0)
    runs.close(runs.loggers, ending["cause"])
    return Ended(cause=DONE)


def _guarded(step: Any, *arguments: Any) -> None:
    # the trial has its value; a logger that fails now must not take it
    try:
        step(*arguments)
    except Exception:
        traceback.print_exc()
