"""The user's own function that makes model and data from a trial's parameters."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lightning.pytorch import LightningDataModule, LightningModule

from search.errors import UserError
from search.plain.tree import Tree
from search.study_file.trial_config import ScriptRun
from search.trial.building.importing import import_name, namespace_of


@dataclass(frozen=True)
class FunctionResult:
    """What the function has made."""

    model: LightningModule
    data: LightningDataModule | None
    # train_dataloaders and val_dataloaders, where it makes no data module
    loaders: Tree = field(default_factory=dict)
    # the Trainer's arguments that it has set or changed
    changed: Tree = field(default_factory=dict)
    # the names of those that it has taken out
    removed: frozenset[str] = frozenset()


def call_function(script: ScriptRun, trainer: Tree) -> FunctionResult:
    """Call the function with the parameters of a trial.

    Args:
        trainer: the Trainer's arguments of the study file, which the function may change where it
            takes them.

    Raises:
        UserError: there is no such function, or it makes something else.
        Whatever the function raises.
    """
    function = import_name(str(script.build), "build")
    if not callable(function):
        raise UserError(f"build: {script.build} is no function. Name one that makes the model.")
    given = copy.deepcopy(trainer)
    arguments = [dict(script.arguments)]
    if _takes_two(function):
        arguments.append(given)
    made = function(*arguments)
    model, data = _pair(made, str(script.build))
    return FunctionResult(
        model,
        **_data(data, str(script.build)),
        changed={name: each for name, each in given.items() if _differs(each, trainer, name)},
        removed=frozenset(trainer) - frozenset(given),
    )


def _takes_two(function: Callable[..., object]) -> bool:
    """Tell whether a function takes the Trainer's arguments beside the parameters."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return sum(each.kind in kinds for each in parameters) > 1


def _pair(made: object, name: str) -> tuple[Any, object]:
    match made:
        case (model, data) if namespace_of(type(model), "LightningModule") is not None:
            return model, data
    parts = made if isinstance(made, tuple) else (made,)
    got = ", ".join(type(each).__name__ for each in parts)
    raise UserError(
        f"build: {name} must return a LightningModule and its data, got {got}. "
        "Return (model, datamodule), or (model, (train_loader, val_loader))."
    )


def _data(data: object, name: str) -> dict[str, Any]:
    if data is None or namespace_of(type(data), "LightningDataModule") is not None:
        return {"data": data}
    match data:
        case (train, val):
            return {"data": None, "loaders": {"train_dataloaders": train, "val_dataloaders": val}}
        case _ if hasattr(data, "__iter__") and not isinstance(data, str | dict | list | tuple):
            return {"data": None, "loaders": {"train_dataloaders": data}}
    raise UserError(
        f"build: {name} must return a data module or loaders as its data, got "
        f"{type(data).__name__}. Return (model, datamodule), or (model, (train_loader, "
        "val_loader))."
    )


def _differs(value: object, before: Tree, name: str) -> bool:
    try:
        return name not in before or bool(value != before[name])
    except Exception:
        # an object of the user's, which the study file had none of
        return True
