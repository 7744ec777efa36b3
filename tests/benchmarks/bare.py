"""What people write by hand, to compare with: bare fits, and Optuna around `Trainer.fit`."""

from __future__ import annotations

import json
import logging
import math
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import optuna
import pytorch_lightning as pl
import torch
import yaml
from optuna_integration.pytorch_lightning import PyTorchLightningPruningCallback

from search.data import Digits
from search.models import LitAutoEncoder


def fit(config: dict[str, Any], callbacks: list[Any], **options: Any) -> float:
    """One plain Lightning fit of a trial's configuration; the last validation loss."""
    pl.seed_everything(config["seed_everything"], verbose=False)
    model = LitAutoEncoder(**config["model"]["init_args"])
    data = Digits(**config["data"]["init_args"])
    trainer = pl.Trainer(
        **config["trainer"],
        callbacks=callbacks,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )
    trainer.fit(model, datamodule=data)
    return float(trainer.callback_metrics["val_loss"])


def warm_configs(folder: Path) -> list[dict[str, Any]]:
    """The configurations of a study's trials, and this process warmed up by an epoch of one."""
    configs = [yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*/config.yaml"))]
    fit({**configs[0], "trainer": {**configs[0]["trainer"], "max_epochs": 1}}, [], logger=False)
    return configs


def fits(configs: list[dict[str, Any]], root: Path) -> float:
    """Seconds for fits of all, one after the other."""
    began = time.perf_counter()
    for config in configs:
        fit(config, [], logger=False, default_root_dir=str(root))
    return time.perf_counter() - began


def gain_of_two(configs: list[dict[str, Any]], root: Path) -> float:
    """How many times as fast two forks of this process fit all of them each as one does: what a
    second worker could gain on this machine where nothing was lost."""
    seconds = {}
    for forks in (1, 2):
        began = time.perf_counter()
        children = []
        for number in range(forks):
            child = os.fork()
            if child == 0:
                fits(configs, root / f"fork-{number}")
                os._exit(0)
            children.append(child)
        ended = [os.waitpid(child, 0)[1] for child in children]
        assert not any(ended), ended
        seconds[forks] = time.perf_counter() - began
    return 2 * seconds[1] / seconds[2]


def pace(root: Path, hidden_size: int) -> dict[str, float]:
    """Seconds of an epoch, and of all else in a fit, of the trials that `test_speed` makes: of the
    core that one thread has, whatever other processes do meanwhile."""
    best: dict[int, float] = {}
    # the first round warms the process up
    for _ in range(4):
        for epochs in (2, 22):
            model = {"hidden_size": hidden_size, "latent_size": 3, "lr": 1e-3}
            config = {
                "seed_everything": 42,
                "model": {"init_args": model},
                "data": {"init_args": {"batch_size": 64}},
                "trainer": {"max_epochs": epochs, "accelerator": "cpu"},
            }
            began = time.process_time()
            fit(config, [], logger=False, default_root_dir=str(root))
            best[epochs] = min(best.get(epochs, math.inf), time.process_time() - began)
    epoch_s = (best[22] - best[2]) / 20
    return {"epoch_s": epoch_s, "fit_s": max(0.0, best[2] - 2 * epoch_s)}


def script(trials: int, epochs: int, root: Path, prunes: bool) -> float:
    """Seconds for the script of today: `study.optimize` in one process, SQLite, and pruning or
    not."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    began = time.perf_counter()
    median = optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=3)
    study = optuna.create_study(
        storage=f"sqlite:///{root / f'script-{trials}.db'}",
        sampler=optuna.samplers.TPESampler(seed=42),
        pruner=median if prunes else optuna.pruners.NopPruner(),
    )

    def objective(trial: optuna.Trial) -> float:
        config = {
            "seed_everything": 42,
            "model": {
                "init_args": {
                    "hidden_size": 128,
                    "lr": trial.suggest_float("lr", 1e-4, 1e-1, log=True),
                    "latent_size": trial.suggest_categorical("latent", [2, 3, 4, 8, 16, 32]),
                }
            },
            "data": {"init_args": {"batch_size": 64}},
            "trainer": {
                "max_epochs": epochs,
                "accelerator": "cpu",
                "accumulate_grad_batches": trial.suggest_categorical("accumulate", [1, 2, 4, 8]),
            },
        }
        callback = PyTorchLightningPruningCallback(trial, monitor="val_loss")
        return fit(config, [callback], logger=False, default_root_dir=str(root))

    study.optimize(objective, n_trials=trials)
    return time.perf_counter() - began


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    kind, threads, *rest = sys.argv[1:]
    torch.set_num_threads(int(threads))
    root = Path.cwd()
    if kind == "fits":
        print(json.dumps(fits(warm_configs(Path(rest[0])), root)))
    elif kind == "gain-of-two":
        print(json.dumps(gain_of_two(warm_configs(Path(rest[0])), root)))
    elif kind == "pace":
        print(json.dumps(pace(root, int(rest[0]))))
    else:
        seconds = script(int(rest[0]), int(rest[1]), root, kind == "pruning-script")
        print(json.dumps(seconds))
