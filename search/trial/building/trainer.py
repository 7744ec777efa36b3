"""Arguments of a trial's Trainer where the configuration leaves them open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer

from search.trial.building.importing import is_lightnings

# a probe and a check run alone: the ranks of a distributed Trainer would begin the whole fit
ONE_DEVICE: dict[str, object] = {"devices": 1, "num_nodes": 1, "strategy": "auto"}
# callbacks of Lightning's that tune before a fit
_FINDERS = ("LearningRateFinder", "BatchSizeFinder")


def one_short_epoch(arguments: Mapping[str, object], *, train: int, val: int) -> dict[str, object]:
    """The arguments that make a Trainer look at a few batches.

    It runs on one device. A checkpoint callback of the user's that no folder can be named to would
    write where the user works.
    """
    return {
        "max_epochs": 1,
        "max_steps": -1,
        "min_epochs": None,
        "min_steps": None,
        "accumulate_grad_batches": 1,
        "limit_train_batches": train,
        "limit_val_batches": val,
        "limit_test_batches": val,
        "limit_predict_batches": val,
        "overfit_batches": 0.0,
        "val_check_interval": 1.0,
        "check_val_every_n_epoch": 1,
        "num_sanity_val_steps": 0,
        "callbacks": [
            each
            for each in callbacks_of(arguments)
            if not is_lightnings(each, "Checkpoint") or hasattr(each, "dirpath")
        ],
        **ONE_DEVICE,
    }


def callbacks_of(arguments: Mapping[str, object]) -> list[Any]:
    """The user's own callbacks: a list, a single one, or none."""
    return listed(arguments.get("callbacks"))


def listed(value: object) -> list[Any]:
    """The objects of an argument that takes a list, a single object, or None."""
    if not value:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def without_finders(callbacks: Iterable[object]) -> list[Any]:
    """The callbacks that fit nothing before the fit."""
    return [each for each in callbacks if not is_lightnings(each, *_FINDERS)]


def callbacks_on(trainer: Trainer) -> list[Any]:
    """The callbacks of a Trainer, the user's and ours."""
    # (Lightning 2.6) its class does not declare the attribute
    callbacks: list[Any] = trainer.callbacks  # type: ignore[attr-defined]
    return callbacks


def join(trainer: Trainer, callbacks: Iterable[object], loggers: Iterable[object]) -> None:
    """Add callbacks of ours to a Trainer that the user's code made, in Lightning's order, and
    give it the study's loggers where there are any."""
    every = [*callbacks_on(trainer), *callbacks]
    last = [each for each in every if is_lightnings(each, "Checkpoint")]
    others = [each for each in every if each not in last]
    trainer.callbacks = [*others, *last]  # type: ignore[attr-defined]
    if loggers := list(loggers):
        trainer.loggers = loggers  # type: ignore[assignment]


def detach(trainer: Trainer, callbacks: Iterable[object]) -> None:
    """Take callbacks off a Trainer that the user's code may go on with."""
    ours = [id(each) for each in callbacks]
    kept = [each for each in callbacks_on(trainer) if id(each) not in ours]
    trainer.callbacks = kept  # type: ignore[attr-defined]


def keep_in(folder: Path, trainer: Trainer) -> None:
    """Let the user's checkpoint callbacks save in `folder` where they name no place of their own;
    Lightning has them save where the first logger does, which may be a place of all trials."""
    for each in callbacks_on(trainer):
        if is_lightnings(each, "ModelCheckpoint") and each.dirpath is None:
            each.dirpath = str(folder.absolute())


def quiet(arguments: Mapping[str, object]) -> dict[str, object]:
    """The Trainer's arguments with everything off that a trial does not need.

    A trial keeps its own checkpoints and its curve is in the study, so what the configuration
    leaves open is off, if no callback stands for it: progress bar, model summary, logger,
    Lightning's default checkpoint.
    """
    complete = dict(arguments)
    callbacks = callbacks_of(complete)
    defaults = {
        "logger": False,
        "enable_checkpointing": any(is_lightnings(each, "Checkpoint") for each in callbacks),
        "enable_progress_bar": any(is_lightnings(each, "ProgressBar") for each in callbacks),
        "enable_model_summary": False,
    }
    for key, default in defaults.items():
        if complete.get(key) is None:
            complete[key] = default
    return {**complete, "callbacks": callbacks}
