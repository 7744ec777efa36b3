"""One run of a script: its Trainers are made, and its fits begin, as the caller wants them."""

from __future__ import annotations

import copy
import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from lightning.pytorch import Callback, LightningDataModule, LightningModule, Trainer
from lightning.pytorch.loggers.logger import DummyLogger

from search.errors import UserError
from search.plain.formats import format_count
from search.plain.tree import Tree
from search.study_file.trial_config import ScriptRun
from search.trial.building.hydra_sources import HydraSources, hydra_sources
from search.trial.building.import_guard import NAMESPACES
from search.trial.building.importing import is_lightnings, namespace_of
from search.trial.building.laid_over import lay_over_arguments
from search.trial.building.trainer import callbacks_of, one_short_epoch, quiet

# of a trial's folder, for what Lightning saves by default
CHECKPOINTS = "script-checkpoints"


@dataclass(frozen=True)
class ReachedFit:
    """A fit that would begin."""

    # the package of the Trainer
    lightning: ModuleType
    trainer: Trainer
    # what the script gives the Trainer, with what is laid over it
    arguments: Tree
    model: LightningModule
    data: LightningDataModule | None
    # train_dataloaders and val_dataloaders, where the script gives them
    loaders: Tree
    # the checkpoint that the script itself begins from, and how it is loaded
    begins_from: Tree
    # the arguments of the Trainers of earlier fits
    earlier: tuple[Tree, ...]
    # plain attributes of the Trainer, which the script may have changed since it made it
    settings: Tree
    # of the configuration that Hydra has given to the script
    hydra: HydraSources | None
    # as the command line names it
    micro_batch: int | None

    def make_again(self, **arguments: object) -> Trainer:
        """The script's own Trainer, with other arguments; the script holds the very object."""
        _make_again(self.trainer, arguments)
        return self.trainer


@dataclass
class Counted:
    """The fits of a script so far."""

    fits: int = 0


class Left(BaseException):
    """The script is left; passes through whatever its code catches."""


@dataclass
class Drive:
    """One run of a script."""

    script: ScriptRun
    # laid over the arguments of each Trainer
    trainer: Tree
    folder: Path
    at_fit: Callable[[ReachedFit], None]
    # other fits than the one that counts are a few batches
    is_look: bool
    # callbacks of ours on each Trainer
    added: Sequence[Callback] = ()
    counted: Counted = field(default_factory=Counted)
    # whoever makes a Trainer or fits now is the caller
    is_callers: bool = False
    failed: BaseException | None = None
    earlier: list[Tree] = field(default_factory=list)
    # by the identity of each Trainer: it, and its arguments
    made: dict[int, tuple[Trainer, Tree]] = field(default_factory=dict)

    @property
    def wanted(self) -> int:
        """The number of the fit that counts."""
        return 1 if self.script.fit is None else self.script.fit

    def make(self, original: Callable[..., None], trainer: Trainer, given: Tree) -> None:
        """Make a Trainer of the script's."""
        self._leave_after_failure()
        arguments = self._arranged(original, trainer, given)
        original(trainer, **_copied(_without_study(arguments)))
        self.made[id(trainer)] = (trainer, arguments)

    def _arranged(
        self, original: Callable[..., None], trainer: Trainer, given: Mapping[str, Any]
    ) -> Tree:
        namespace = str(namespace_of(type(trainer), "Trainer"))
        arguments = lay_over_arguments(original, given, self.trainer, namespace)
        # Lightning's default, like none
        if arguments.get("logger") is True:
            arguments["logger"] = None
        keeps = arguments.get("enable_checkpointing") in (None, True)
        callbacks = arguments["callbacks"] = [*callbacks_of(arguments), *self.added]
        if keeps and not any(is_lightnings(each, "Checkpoint") for each in callbacks):
            checkpoints = importlib.import_module(f"{namespace}.callbacks").ModelCheckpoint
            last = checkpoints(dirpath=str(self.folder / CHECKPOINTS), every_n_epochs=0)
            arguments["callbacks"] = [*callbacks, last, LastCheckpoint(last)]
        for each in callbacks if self.is_look else ():
            if is_lightnings(each, "Checkpoint") and getattr(each, "dirpath", None) is not None:
                each.dirpath = str(self.folder / CHECKPOINTS)
        arguments["default_root_dir"] = str(self.folder)
        return arguments

    def _leave_after_failure(self) -> None:
        """Leave a script that goes on although the fit that counts has failed."""
        if self.failed is not None:
            raise Left

    def fit(self, original: Callable[..., None], trainer: Trainer, given: Tree) -> None:
        """A fit of the script's begins."""
        self._leave_after_failure()
        self.counted.fits += 1
        if id(trainer) not in self.made:
            raise UserError(
                f"script: {self.script.name} fits with a Trainer that it did not make by calling "
                "the class. Make it so."
            )
        if not self.is_look and self.counted.fits > (self.script.fits or math.inf):
            self.failed = UserError(
                f"script: {self.script.name} had {format_count(self.script.fits or 0, 'fit')} when "
                "it was checked, and has more here. Say in fit: which of them counts."
            )
            raise Left
        _, arguments = self.made[id(trainer)]
        if self.counted.fits != self.wanted:
            self.earlier.append(arguments)
            if self.is_look:
                short = one_short_epoch(arguments, train=1, val=1)
                _make_again(trainer, _without_study({**arguments, **short}))
            original(trainer, **given)
            return
        try:
            self.at_fit(self._reached(trainer, arguments, given))
        except BaseException as error:
            self.failed = error
            raise Left from error

    def _reached(self, trainer: Trainer, arguments: Tree, given: Tree) -> ReachedFit:
        data = given.get("datamodule")
        loaders = {
            name: given[name]
            for name in ("train_dataloaders", "val_dataloaders")
            if given.get(name) is not None
        }
        namespace = str(namespace_of(type(trainer), "Trainer"))
        first = loaders.get("train_dataloaders")
        if data is None and namespace_of(type(first), "LightningDataModule") is not None:
            data = loaders.pop("train_dataloaders")
        begins_from = {
            name: given[name]
            for name in ("ckpt_path", "weights_only")
            if given.get(name) is not None
        }
        return ReachedFit(
            lightning=importlib.import_module(namespace),
            trainer=trainer,
            arguments={**arguments, **_changed_since(trainer, arguments)},
            model=given["model"],
            data=data,
            loaders=loaders,
            begins_from=begins_from if "ckpt_path" in begins_from else {},
            earlier=tuple(self.earlier),
            settings=_settings(trainer),
            hydra=hydra_sources(),
            micro_batch=self.script.micro_batch,
        )


class LastCheckpoint(Callback):
    """Saves once, at the end of a fit, what Lightning's default checkpoint saves each epoch: the
    script may test it, or read its path.

    Args:
        keeper: the checkpoint callback that the script finds.
    """

    def __init__(self, keeper: Any) -> None:
        self._keeper = keeper

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        name = f"epoch={trainer.current_epoch - 1}-step={trainer.global_step}.ckpt"
        path = Path(self._keeper.dirpath, name)
        trainer.save_checkpoint(path)
        self._keeper.best_model_path = self._keeper.last_model_path = str(path)


def _without_study(arguments: Tree) -> dict[str, object]:
    """The arguments of a Trainer that has no loggers of the study's, whose logger the script may
    call all the same."""
    logger = {"logger": DummyLogger()} if arguments.get("logger") is None else {}
    return quiet({**arguments, **logger})


def _base_of(cls: type) -> Any:
    """Lightning's own Trainer, of which a class is or derives."""
    return next(each for each in cls.__mro__ if each.__module__.startswith(NAMESPACES))


def _make_again(trainer: Trainer, arguments: Tree) -> None:
    _base_of(type(trainer)).__init__(trainer, **_copied(arguments))


def _copied(arguments: Tree) -> Tree:
    """The arguments, with a copy of each object that takes up what the Trainer is made with."""
    copied = {
        name: copy.deepcopy(arguments[name])
        for name in ("strategy", "plugins")
        if arguments.get(name) is not None
    }
    return {**arguments, **copied}


def _settings(trainer: Any) -> Tree:
    plain = (bool, int, float, str)
    settings: Tree = {name: each for name, each in vars(trainer).items() if isinstance(each, plain)}
    loops = {"fit": trainer.fit_loop, "epoch": trainer.fit_loop.epoch_loop}
    for loop, owner in loops.items():
        for name in ("max_epochs", "min_epochs", "max_steps", "min_steps"):
            settings[f"{loop}.{name}"] = getattr(owner, name, None)
    return settings


def _changed_since(trainer: Any, arguments: Tree) -> Tree:
    """What the script has changed in its Trainer between making it and the fit."""
    changed: Tree = {}
    given = callbacks_of(arguments)
    # what Lightning adds by itself, it adds again
    added = [
        each
        for each in trainer.callbacks
        if each not in given and not is_lightnings(each, "ProgressBar", "ModelSummary")
    ]
    if added:
        changed["callbacks"] = [*given, *added]
    stand_in = all(isinstance(each, DummyLogger) for each in trainer.loggers)
    if arguments.get("logger") is None and not stand_in:
        changed["logger"] = list(trainer.loggers)
    return changed
