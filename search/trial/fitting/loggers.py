"""Lightning's loggers of a trial: made from its configuration, one run for all its attempts.

Knows where each logger keeps a run and how it goes on with one. A `trainer.logger` of the user's
own wins over all of this. When a run ends, and with which values, `fitting.logger_runs` knows.
"""

from __future__ import annotations

import contextlib
import csv
import fcntl
import hashlib
import importlib
import inspect
import json
import os
import secrets
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from search.errors import UserError
from search.layout import TrialFolder
from search.plain.tree import Tree
from search.plain.whole_files import make_folder, write_whole
from search.plain.wording import did_you_mean
from search.study_file.trial_config import LoggerChoice, TrialConfig
from search.trial.checkpoints.files import kept_state
from search.trial.process.failures import one_line

# what each logger imports only when it is used; the fork server imports it with the check
_MODULES = {"tensorboard": "torch.utils.tensorboard", "wandb": "wandb", "mlflow": "mlflow"}

CLASSES = {
    "csv": "CSVLogger",
    "tensorboard": "TensorBoardLogger",
    "wandb": "WandbLogger",
    "mlflow": "MLFlowLogger",
}


@dataclass(frozen=True)
class Run:
    """One trial, as its loggers know it."""

    # the module of Lightning's loggers
    loggers: ModuleType
    folder: TrialFolder
    study: str
    number: int
    # steps that are behind a trial that goes on; None for one that begins
    steps: int | None
    # trials write into one place of the study
    shares: bool

    def known(self, logger: str) -> str | None:
        """The id of the run that an earlier attempt began."""
        return self._ids.get(logger)

    def remember(self, **ids: str) -> None:
        """Write the id of a run down, so that the next attempt goes on with it."""
        known = self._ids
        make_folder(self.folder.logs)
        write_whole(self.folder.runs, json.dumps({**known, **ids}))

    @property
    def _ids(self) -> dict[str, str]:
        path = self.folder.runs
        ids: dict[str, str] = json.loads(path.read_text()) if path.is_file() else {}
        return ids


def run_of(
    config: TrialConfig, folder: TrialFolder, lightning: ModuleType, checkpoint: Path | None
) -> Run:
    """The run of a configuration.

    Args:
        lightning: the package of the trial's classes.
        checkpoint: what the trial goes on from; None where it begins.
    """
    return Run(
        loggers=importlib.import_module(f"{lightning.__name__}.loggers"),
        folder=folder,
        study=config.trial.study or folder.study.name,
        number=config.trial.number,
        steps=None if not folder.logs.exists() else _steps_behind(checkpoint),
        shares=any(each.name != "csv" for each in config.logger),
    )


def make_loggers(config: TrialConfig, run: Run) -> list[object]:
    """The loggers that the study file names; nothing is sent yet."""
    with alone(run):
        return [_FACTORIES[each.name](run, each.options) for each in config.logger]


@contextlib.contextmanager
def alone(run: Run) -> Iterator[None]:
    """Keep other trials out: two that make MLflow's tables or its experiment at once both fail."""
    if not run.shares:
        yield
        return
    make_folder(run.folder.study.logs)
    with (run.folder.study.logs / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def logger_problems(
    config: TrialConfig, folder: TrialFolder, lightning: ModuleType
) -> Iterator[str]:
    """A line for each logger that could not be made in a trial."""
    if config.sections.trainer.get("logger") is not None:
        return
    run = run_of(config, folder, lightning, None)
    for each in config.logger:
        name, options = each.name, each.options
        if name in _MODULES:
            importlib.import_module(_MODULES[name])
        known = _known_options(name, run.loggers)
        unknown = [option for option in options if option not in known]
        for option in unknown:
            remedy = did_you_mean(option, known)
            yield f"logger.{option}: {name} has no such option. {remedy}"
        # a local store is made with the first trial
        if unknown or (name == "mlflow" and _tracking_uri(run, options)[1]):
            continue
        try:
            _FACTORIES[name](run, options)
            if name == "wandb":
                _check_login(options)
        except UserError as error:
            yield str(error)
        except Exception as error:
            yield f"logger: {name} cannot be made: {one_line(error)}"


def plain_loggers(config: TrialConfig, lightning: str) -> tuple[Tree, ...]:
    """The study's loggers in LightningCLI's form, for a training outside of it: a module may call
    what only its own logger has. None where Lightning's default will do.

    Args:
        lightning: the package of the trial's classes.
    """
    if all(each.name == "csv" for each in config.logger):
        return ()
    loggers = importlib.import_module(f"{lightning}.loggers")
    return tuple(_plain_logger(each, loggers, config) for each in config.logger)


def _plain_logger(each: LoggerChoice, loggers: ModuleType, config: TrialConfig) -> Tree:
    cls = getattr(loggers, CLASSES[each.name])
    own = inspect.signature(cls).parameters
    arguments = {"save_dir": "."}
    if each.name == "mlflow":
        arguments = {"experiment_name": config.trial.study or "lightning_logs"}
    given = {**arguments, **each.options}
    # what the logger passes on, jsonargparse wants apart
    passed_on = {key: value for key, value in given.items() if key not in own}
    return {
        "class_path": f"{loggers.__name__}.{cls.__name__}",
        "init_args": {key: value for key, value in given.items() if key in own},
        **({"dict_kwargs": passed_on} if passed_on else {}),
    }


def _steps_behind(checkpoint: Path | None) -> int:
    """The steps that Lightning had counted for its loggers when a checkpoint was written."""
    if checkpoint is None:
        return 0
    if checkpoint.is_dir():
        return int(kept_state(checkpoint)["stepped"])
    content = torch.load(checkpoint, map_location="cpu", mmap=True, weights_only=True)
    return int(content["loops"]["fit_loop"]["epoch_loop.state_dict"]["_batches_that_stepped"])


def _csv(run: Run, options: Tree) -> object:
    defaults = {"save_dir": run.folder.root, "name": "", "version": run.folder.logs.name}
    return run.loggers.CSVLogger(**{**defaults, **options})


def _tensorboard(run: Run, options: Tree) -> object:
    defaults: Tree = {
        "save_dir": run.folder.study.logs / "tensorboard",
        "name": "",
        "version": run.folder.root.name,
        # hyperparameters are written once, with the final metric
        "default_hp_metric": False,
    }
    if run.steps is not None:
        defaults["purge_step"] = run.steps
    return run.loggers.TensorBoardLogger(**{**defaults, **options})


def _wandb(run: Run, options: Tree) -> object:
    defaults = {
        "name": str(run.number),
        "group": run.study,
        "save_dir": run.folder.study.logs,
        # a run that was deleted in W&B never gives its id back, so ids are not made of names
        "id": run.known("wandb") or secrets.token_hex(4),
    }
    return run.loggers.WandbLogger(**{**defaults, **options})


def _mlflow(run: Run, options: Tree) -> object:
    uri, is_local = _tracking_uri(run, options)
    defaults: Tree = {"experiment_name": run.study, "run_name": str(run.number)}
    if is_local:
        defaults["artifact_location"] = (run.folder.study.logs / "artifacts").absolute().as_uri()
    # MLflow refuses another value of a parameter: a batch that was halved is another run
    if run.known("mlflow_config") == config_digest(run.folder):
        defaults["run_id"] = run.known("mlflow")
    return run.loggers.MLFlowLogger(**{**defaults, **options, "tracking_uri": uri})


_FACTORIES: dict[str, Callable[[Run, Tree], object]] = {
    "csv": _csv,
    "tensorboard": _tensorboard,
    "wandb": _wandb,
    "mlflow": _mlflow,
}


def _tracking_uri(run: Run, options: Tree) -> tuple[str, bool]:
    """The store of MLflow's runs; True where it is the study's own."""
    given = options.get("tracking_uri") or os.environ.get("MLFLOW_TRACKING_URI")
    if given:
        return given, False
    return f"sqlite:///{(run.folder.study.logs / 'mlflow.db').absolute()}", True


def config_digest(folder: TrialFolder) -> str:
    """Changes with the configuration of the trial."""
    return hashlib.sha256(folder.config.read_bytes()).hexdigest()[:16]


def carry_over(logger: Any, steps: int | None) -> None:
    """Put the rows of earlier attempts back, which CSVLogger deletes as soon as it is used.

    Args:
        steps: rows from this step on are written anew by the attempt.
    """
    path = Path(logger.log_dir) / "metrics.csv"
    rows: list[Tree] = []
    if steps is not None and path.is_file():
        with path.open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if (row.get("step") or "").isdigit()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it deletes them
        writer = logger.experiment
    for row in rows:
        step = int(row.pop("step"))
        if step < (steps or 0):
            writer.log_metrics({key: value for key, value in row.items() if value}, step)
    logger.save()


def _known_options(name: str, loggers: ModuleType) -> list[str]:
    """The options that may stand beside the name of a logger in a study file."""
    takers: list[Any] = [getattr(loggers, CLASSES[name])]
    if name == "wandb":
        takers.append(importlib.import_module("wandb").init)
    if name == "tensorboard":
        takers.append(importlib.import_module(_MODULES[name]).SummaryWriter)
    names = [key for taker in takers for key in inspect.signature(taker).parameters]
    return [key for key in dict.fromkeys(names) if key not in ("kwargs", "experiment", "name")]


def _check_login(options: Tree) -> None:
    """Raise UserError where W&B would ask for a key that nobody can type."""
    mode = options.get("mode") or os.environ.get("WANDB_MODE")
    if options.get("offline") or mode in ("offline", "dryrun", "disabled"):
        return
    if not importlib.import_module("wandb").login(prompt=False, verify=False):
        raise UserError(
            "logger: wandb has no API key here. Run `wandb login`, or stay offline with "
            "logger: {name: wandb, offline: true}."
        )
