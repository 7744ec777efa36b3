"""The script that people write today, as the documentation of Optuna and Lightning has it.

Heartbeat on, stale trials retried, each from its last checkpoint. Arguments: trials, epochs."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from pathlib import Path
from typing import Any

import optuna
import pytorch_lightning as pl
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.trial import TrialState
from optuna_integration.pytorch_lightning import PyTorchLightningPruningCallback
from pytorch_lightning.callbacks import ModelCheckpoint
from tiny import Tiny

PAUSE_S = 0.01


class EpochLog(pl.Callback):
    """What the count is made of: a line for each epoch that was trained."""

    def __init__(self, number: int) -> None:
        self._number = number

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        with Path("epochs.jsonl").open("a") as file:
            file.write(json.dumps([self._number, trainer.current_epoch]) + "\n")


def objective(trial: optuna.Trial, epochs: int) -> float:
    model = Tiny(lr=trial.suggest_float("lr", 1e-3, 1e-1, log=True), pause=PAUSE_S)
    # a retried trial has a new number and goes on from the checkpoint of the one before
    frozen = trial.study.get_trials(deepcopy=False)[trial.number]
    first = RetryHeartbeatStaleTrialCallback.retried_trial_number(frozen)
    number = trial.number if first is None else first
    folder = Path("checkpoints") / str(number)
    trainer = pl.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        num_sanity_val_steps=0,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[
            ModelCheckpoint(dirpath=folder, monitor="val_loss", save_last=True),
            PyTorchLightningPruningCallback(trial, monitor="val_loss"),
            EpochLog(number),
        ],
    )
    last = folder / "last.ckpt"
    trainer.fit(model, ckpt_path=last if last.exists() else None)
    return float(trainer.callback_metrics["val_loss"])


def main(trials: int, epochs: int) -> None:
    storage = RDBStorage(
        "sqlite:///script.db",
        heartbeat_interval=1,
        heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=3),
    )
    study = optuna.create_study(
        study_name="script",
        storage=storage,
        sampler=optuna.samplers.RandomSampler(),
        pruner=optuna.pruners.NopPruner(),
        load_if_exists=True,
    )
    finished = (TrialState.COMPLETE, TrialState.PRUNED)
    until = optuna.study.MaxTrialsCallback(trials, states=finished)
    if len(study.get_trials(deepcopy=False, states=finished)) < trials:
        study.optimize(lambda trial: objective(trial, epochs), callbacks=[until])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    main(int(sys.argv[1]), int(sys.argv[2]))
