"""Loggers and checkpoints of a look before the study: those that the study will use, but written
into a folder that is thrown away, and sent nowhere."""

from __future__ import annotations

import functools
import importlib
import inspect
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers.logger import DummyLogger

from search.layout import StudyFolder, TrialFolder
from search.study_file.trial_config import TrialConfig
from search.trial.building.build import Built
from search.trial.building.import_guard import NAMESPACES
from search.trial.building.importing import is_lightnings
from search.trial.building.replaced import replaced
from search.trial.building.trainer import callbacks_on
from search.trial.checkpoints.files import save_checkpoint
from search.trial.fitting.epoch_end import run_after
from search.trial.fitting.loggers import CLASSES, make_loggers, run_of
from search.trial.process.environment import environment_with

# MLflow takes ten seconds to make a database, and none for a folder, which it wants to be allowed
_ALLOW_FOLDER = "MLFLOW_ALLOW_FILE_STORE"
# MLflow keeps the store of its last logger here, for the processes that are started from now on
_TRACKING = "MLFLOW_TRACKING_URI"


@contextmanager
def throwaway_loggers(folder: Path) -> Iterator[None]:
    """While the block runs, each logger that is made, by whomever, writes into `folder` alone.

    The constructors of Lightning's own loggers are replaced, because a logger may be made by a
    section, by a CLI of the user's, or by a class that derives from one.
    """
    instead: dict[str, dict[str, object]] = {
        "CSVLogger": {"save_dir": str(folder)},
        "TensorBoardLogger": {"save_dir": str(folder)},
        "WandbLogger": {
            "save_dir": str(folder),
            "dir": None,
            "log_model": False,
            "offline": True,
            # for W&B itself, which no longer listens to the logger once somebody has logged in
            "mode": "offline",
        },
        "MLFlowLogger": {
            "tracking_uri": (folder / "mlflow").absolute().as_uri(),
            "artifact_location": None,
            "run_id": None,
        },
        # begins its run where it is made
        "CometLogger": {
            "offline_directory": str(folder),
            "online": False,
            "mode": None,
            "experiment_key": None,
        },
    }
    modules = [importlib.import_module(f"{name}.loggers") for name in NAMESPACES]
    classes = [(getattr(module, name), instead[name]) for module in modules for name in instead]
    with ExitStack() as stack:
        for cls, arguments in classes:
            constructor = _with_arguments(cls.__init__, arguments)
            stack.enter_context(replaced(cls, "__init__", constructor))
        stack.enter_context(environment_with({_ALLOW_FOLDER: "true"}, restored=(_TRACKING,)))
        yield


def _with_arguments(
    original: Callable[..., None], arguments: Mapping[str, object]
) -> Callable[..., None]:
    signature = inspect.signature(original)

    @functools.wraps(original)
    def __init__(self: object, *args: object, **kwargs: object) -> None:
        given = signature.bind(self, *args, **kwargs)
        own = {key: each for key, each in arguments.items() if key in signature.parameters}
        rest = {key: each for key, each in arguments.items() if key not in own}
        given.arguments |= own
        if rest:
            given.arguments["kwargs"] = {**given.arguments.get("kwargs", {}), **rest}
        original(*given.args, **given.kwargs)

    return __init__


class ThrowawayCheckpoints(Callback):
    """Lets the checkpoint callbacks of the user's, those of the module included, write below
    `folder` in place of where the user works."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        for each in callbacks_on(trainer):
            is_checkpoint = is_lightnings(each, "Checkpoint")
            if is_checkpoint and getattr(each, "dirpath", None) is not None:
                each.dirpath = str(self._folder)


class FirstEpochSaver(Callback):
    """Saves one checkpoint, when the module's own hook has ended the first epoch."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.seconds = 0.0

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        run_after(pl_module, "on_train_epoch_end", lambda: self._save(trainer))

    def _save(self, trainer: Trainer) -> None:
        if trainer.current_epoch > 0:
            return
        began = time.monotonic()
        save_checkpoint(trainer, self._path)
        self.seconds = time.monotonic() - began


def look_loggers(config: TrialConfig, built: Built, folder: TrialFolder) -> dict[str, object]:
    """The logger argument of a Trainer: the study's loggers, or the user's own, if those write into
    the folder that is thrown away."""
    given = built.trainer_arguments.get("logger")
    if isinstance(given, bool):
        return {}
    if given is not None:
        loggers = list(given) if isinstance(given, Iterable) else [given]
        redirected = CLASSES.values()
        return {
            "logger": [
                each if is_lightnings(each, *redirected) else DummyLogger() for each in loggers
            ]
        }
    trial = StudyFolder(folder.root / "look").trial(0)
    trial.root.mkdir(parents=True, exist_ok=True)
    trial.config.touch()
    return {"logger": make_loggers(config, run_of(config, trial, built.lightning, None))}
