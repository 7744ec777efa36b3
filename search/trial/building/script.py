"""The user's own script, driven up to its `Trainer.fit`.

The script makes model, data and Trainer as it always does. While it runs, the constructor and the
fit of Lightning's Trainer are ours, in both packages: arguments are laid over those that the script
gives, and where the fit that counts would begin, a function of the caller's takes its place. The
caller either trains there and lets the script go on, or leaves the script.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from lightning.pytorch import Callback, LightningDataModule, LightningModule, Trainer
from lightning.pytorch.loggers.logger import DummyLogger

from search.errors import UserError
from search.plain.formats import format_count
from search.plain.tree import Tree
from search.plain.wording import did_you_mean
from search.study_file.trial_config import ScriptRun
from search.trial.building.import_guard import NAMESPACES
from search.trial.building.importing import is_lightnings, namespace_of
from search.trial.building.script_process import run_as_main
from search.trial.building.trainer import callbacks_of, one_short_epoch, quiet
from search.trial.process.ranks import own_rank

_OUTPUT_BYTES = 4096
# the number of no fit
_NONE = 0
_CHECKPOINTS = "script-checkpoints"


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

    def make_again(self, **arguments: object) -> Trainer:
        """The script's own Trainer, with other arguments; the script holds the very object."""
        _base_of(type(self.trainer)).__init__(self.trainer, **arguments)
        return self.trainer


@dataclass
class Counted:
    """The fits of a script so far."""

    fits: int = 0


class _Left(BaseException):
    """The script is left; passes through whatever its code catches."""


@dataclass
class _Drive:
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
        arguments = self._arranged(original, trainer, given)
        # the study's loggers take its place at the fit; until then the script may call its own
        quiet_until = {"logger": DummyLogger()} if arguments.get("logger") is None else {}
        original(trainer, **quiet({**arguments, **quiet_until}))
        self.made[id(trainer)] = (trainer, arguments)

    def _arranged(
        self, original: Callable[..., None], trainer: Trainer, given: Mapping[str, Any]
    ) -> Tree:
        known = list(inspect.signature(original).parameters)
        for name in self.trainer:
            if name not in known:
                raise UserError(f"trainer.{name}: no such argument. {did_you_mean(name, known)}")
        arguments = {**given, **self.trainer}
        # Lightning's default, like none
        if arguments.get("logger") is True:
            arguments["logger"] = None
        if arguments.get("enable_progress_bar") is None:
            arguments["enable_progress_bar"] = False
        keeps = arguments.get("enable_checkpointing") in (None, True)
        callbacks = arguments["callbacks"] = [*callbacks_of(arguments), *self.added]
        if keeps and not any(is_lightnings(each, "Checkpoint") for each in callbacks):
            namespace = str(namespace_of(type(trainer), "Trainer"))
            checkpoints = importlib.import_module(f"{namespace}.callbacks").ModelCheckpoint
            last = checkpoints(dirpath=str(self.folder / _CHECKPOINTS), every_n_epochs=0)
            arguments["callbacks"] = [*callbacks, last, LastCheckpoint(last)]
        arguments["default_root_dir"] = str(self.folder)
        return arguments

    def fit(self, original: Callable[..., None], trainer: Trainer, given: Tree) -> None:
        """A fit of the script's begins."""
        self.counted.fits += 1
        _, arguments = self.made[id(trainer)]
        if self.counted.fits != self.wanted:
            self.earlier.append(arguments)
            if self.is_look:
                short = quiet(one_short_epoch(arguments, train=1, val=1))
                _base_of(type(trainer)).__init__(trainer, **short)
            original(trainer, **given)
            return
        try:
            self.at_fit(self._reached(trainer, arguments, given))
        except BaseException as error:
            self.failed = error
            raise _Left from error

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


def run_script(
    script: ScriptRun,
    trainer: Tree,
    at_fit: Callable[[ReachedFit], None],
    *,
    is_look: bool = False,
    added: Sequence[Callback] = (),
    counted: Counted | None = None,
) -> None:
    """Run a script to its end.

    Args:
        trainer: laid over the arguments of each Trainer that the script makes.
        at_fit: called in the place of the fit that counts; what it raises ends the script.
        is_look: the other fits are cut to a batch.
        added: callbacks of each Trainer that the script makes.
        counted: counts its fits.

    Raises:
        UserError: the script fails before that fit, or never reaches it.
        Whatever `at_fit` raises.
    """
    with _folder_of(script) as folder:
        drive = _Drive(script, trainer, folder, at_fit, is_look, added, counted or Counted())
        try:
            with _driven(drive), contextlib.suppress(_Left):
                run_as_main(script, folder)
        except SystemExit as error:
            _refuse_end(drive, error)
        finally:
            if own_rank() == 0:
                shutil.rmtree(folder / _CHECKPOINTS, ignore_errors=True)
        if drive.failed is not None:
            raise drive.failed
        if drive.counted.fits < drive.wanted:
            raise UserError(_never_reached(drive, "never reaches Trainer.fit"))


def reach_fit(script: ScriptRun, trainer: Tree) -> ReachedFit:
    """Run a script up to the fit that counts, and leave it there; other fits are cut to a batch.

    Raises:
        UserError: as `run_script`.
    """
    found: list[ReachedFit] = []

    def leave(reached: ReachedFit) -> NoReturn:
        found.append(reached)
        raise _Left

    with contextlib.suppress(_Left):
        run_script(script, trainer, leave, is_look=True)
    return found[0]


def count_fits(script: ScriptRun, trainer: Tree, counted: Counted) -> None:
    """Run a script to its end with each of its fits cut to a batch, and count them.

    Raises:
        UserError: it never fits, or ends before its first fit with a status.
        Whatever the script raises.
    """

    script = replace(script, fit=_NONE)
    run_script(script, trainer, lambda _: None, is_look=True, counted=counted)
    if not counted.fits:
        raise UserError(f"script: {script.name} never reaches Trainer.fit.")


@contextlib.contextmanager
def _folder_of(script: ScriptRun) -> Iterator[Path]:
    if script.folder is not None:
        yield script.folder
        return
    with tempfile.TemporaryDirectory(prefix="search-script-") as name:
        yield Path(name)


@contextlib.contextmanager
def _driven(drive: _Drive) -> Iterator[None]:
    """Our constructor and fit in place of the Trainer's, in both packages, and the command of a
    trial for the ranks that Lightning starts."""
    # Hydra hides what the user's code raises behind an exit
    before = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"
    command = [sys.executable, "-m", "search.trial", str(drive.folder)]

    def in_hydra(local_rank: int) -> tuple[list[str], None]:
        return command, None

    with contextlib.ExitStack() as stack:
        for namespace in NAMESPACES:
            base = importlib.import_module(namespace).Trainer
            stack.enter_context(_replaced(base, "__init__", _init(base.__init__, drive)))
            stack.enter_context(_replaced(base, "fit", _fit(base.fit, drive)))
            launcher = importlib.import_module(
                f"{namespace}.strategies.launchers.subprocess_script"
            )
            stack.enter_context(_replaced(launcher, "_basic_subprocess_cmd", lambda: command))
            stack.enter_context(_replaced(launcher, "_hydra_subprocess_cmd", in_hydra))
        try:
            yield
        finally:
            os.environ.pop("HYDRA_FULL_ERROR")
            if before is not None:
                os.environ["HYDRA_FULL_ERROR"] = before


@contextlib.contextmanager
def _replaced(owner: Any, name: str, ours: object) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, ours)
    try:
        yield
    finally:
        setattr(owner, name, original)


def _init(original: Callable[..., None], drive: _Drive) -> Callable[..., None]:
    signature = inspect.signature(original)

    @functools.wraps(original)
    def __init__(self: Trainer, *args: Any, **kwargs: Any) -> None:
        if drive.is_callers:
            original(self, *args, **kwargs)
            return
        given = dict(signature.bind(self, *args, **kwargs).arguments)
        given.pop("self")
        drive.make(original, self, given)

    return __init__


def _fit(original: Callable[..., None], drive: _Drive) -> Callable[..., None]:
    signature = inspect.signature(original)

    @functools.wraps(original)
    def fit(self: Trainer, *args: Any, **kwargs: Any) -> None:
        # a tuner's fit is none of the script's
        tunes = any(getattr(each, "_early_exit", False) for each in callbacks_of(vars(self)))
        if drive.is_callers or tunes:
            original(self, *args, **kwargs)
            return
        given = dict(signature.bind(self, *args, **kwargs).arguments)
        given.pop("self")
        drive.is_callers = True
        try:
            drive.fit(original, self, given)
        finally:
            drive.is_callers = False

    return fit


def _base_of(cls: type) -> Any:
    """Lightning's own Trainer, of which a class is or derives."""
    return next(each for each in cls.__mro__ if each.__module__.startswith(NAMESPACES))


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
    return changed


def _refuse_end(drive: _Drive, error: SystemExit) -> None:
    """Refuse an end before the fit that counts; after that a status is the script's own affair."""
    if drive.counted.fits >= drive.wanted and drive.failed is None:
        return
    if drive.failed is None:
        end = f"ends with status {error.code} before Trainer.fit"
        raise UserError(_never_reached(drive, end)) from error


def _never_reached(drive: _Drive, end: str) -> str:
    name, wanted = drive.script.name, drive.wanted
    if 0 < drive.counted.fits < wanted:
        fits = format_count(drive.counted.fits, "fit")
        return f"fit: {wanted} is asked for, and {name} has {fits}. Name one of those."
    said = _last_output(drive.folder)
    return f"script: {name} {end}{f'; its last output: {said}' if said else ''}."


def _last_output(folder: Path) -> str:
    """The last line that was printed, where a process writes into the log of its folder."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    try:
        text = (folder / "log.txt").read_bytes()[-_OUTPUT_BYTES:].decode(errors="replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200].rstrip(".") if lines else ""
