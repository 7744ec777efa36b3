"""Lightning's Trainer while a script runs: its constructor and its fit are those of the drive, in
both packages."""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

from lightning.pytorch import Trainer

from search.trial.building.import_guard import NAMESPACES
from search.trial.building.replaced import replaced
from search.trial.building.script_drive import Drive
from search.trial.building.script_seed import seeds_chosen
from search.trial.building.trainer import callbacks_of
from search.trial.process.environment import environment_with


@contextlib.contextmanager
def driven(drive: Drive) -> Iterator[None]:
    """Our constructor and fit in place of the Trainer's, in both packages, and the command of a
    trial for the ranks that Lightning starts."""
    command = [sys.executable, "-m", "search.trial", str(drive.folder)]

    def in_hydra(local_rank: int) -> tuple[list[str], None]:
        return command, None

    with contextlib.ExitStack() as stack:
        # Hydra hides what the user's code raises behind an exit; a run of W&B is sent nowhere
        offline = {"WANDB_MODE": "offline"} if drive.is_look else {}
        stack.enter_context(environment_with({"HYDRA_FULL_ERROR": "1", **offline}))
        if drive.script.seed is not None:
            stack.enter_context(seeds_chosen(lambda _: drive.script.seed))
        for namespace in NAMESPACES:
            base = importlib.import_module(namespace).Trainer
            stack.enter_context(replaced(base, "__init__", _init(base.__init__, drive)))
            stack.enter_context(replaced(base, "fit", _fit(base.fit, drive)))
            launcher = importlib.import_module(
                f"{namespace}.strategies.launchers.subprocess_script"
            )
            stack.enter_context(replaced(launcher, "_basic_subprocess_cmd", lambda: command))
            stack.enter_context(replaced(launcher, "_hydra_subprocess_cmd", in_hydra))
        yield


def _init(original: Callable[..., None], drive: Drive) -> Callable[..., None]:
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


def _fit(original: Callable[..., None], drive: Drive) -> Callable[..., None]:
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
