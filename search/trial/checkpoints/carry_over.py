"""A trial that begins at the checkpoint of another: its own hyperparameters over what the other one
saved of optimizers and schedulers.

Both save what the configuration alone has made of these, before the first step. Where that differs
between the two trials the configuration does, and the trial's own value holds; a number that the
other one's training has moved, such as a learning rate under a scheduler, moves in proportion.
Everything else is the state of the training, and goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from lightning.pytorch import Trainer

from search.plain.equality import is_number
from search.plain.tree import Tree

# schedulers within schedulers, and what refers to itself
_DEEPEST = 8


def made_by_configuration(trainer: Trainer) -> Tree:
    """What optimizers and schedulers are before the first step, and before anything is restored; a
    later step changes it."""
    groups = [
        [_hyperparameters(group) for group in optimizer.param_groups]
        for optimizer in trainer.optimizers
    ]
    states = [config.scheduler.state_dict() for config in trainer.lr_scheduler_configs]
    return {"optimizers": groups, "lr_schedulers": states}


def as_plain(value: object, depth: int = 0) -> object:
    """Plain data that can be compared and saved; what is none of it is the name of its type."""
    if depth > _DEEPEST:
        return type(value).__name__
    match value:
        case None | bool() | int() | float() | str():
            return value
        case torch.Tensor() if value.numel() == 1:
            return value.item()
        case Mapping():
            return {str(key): as_plain(each, depth + 1) for key, each in value.items()}
        case list() | tuple():
            return [as_plain(each, depth + 1) for each in value]
    return type(value).__name__


def lay_own_over(trainer: Trainer, others: Tree, own: Tree) -> None:
    """Lay the trial's own hyperparameters over what was restored of another trial's.

    Args:
        others: `made_by_configuration` of the other trial, as plain data.
        own: the same of this one.
    """
    for optimizer, before, wanted in zip(
        trainer.optimizers, others["optimizers"], own["optimizers"], strict=True
    ):
        for group, was, is_own in zip(optimizer.param_groups, before, wanted, strict=True):
            group.update(_carried(_hyperparameters(group), was, is_own))
    for config, was, is_own in zip(
        trainer.lr_scheduler_configs, others["lr_schedulers"], own["lr_schedulers"], strict=True
    ):
        scheduler: Any = config.scheduler
        scheduler.load_state_dict(_carried(scheduler.state_dict(), was, is_own))


def _hyperparameters(group: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in group.items() if key != "params"}


def _carried(now: Any, other: Any, own: Any) -> Any:
    """The value that holds.

    Args:
        now: as restored.
        other: the other trial's as its configuration made it, as plain data.
        own: the same of this trial.
    """
    plain = as_plain(own)
    if plain == other:
        return now
    if as_plain(now) == other:
        return _like(now, own)
    match now, other, own:
        case Mapping(), Mapping(), Mapping():
            return {
                key: _carried(each, other[str(key)], own[key])
                if key in own and str(key) in other
                else each
                for key, each in now.items()
            }
        case ((list() | tuple()), Sequence(), Sequence()) if len(now) == len(other) == len(own):
            return type(now)(_carried(*each) for each in zip(now, other, own, strict=True))
    moved = as_plain(now)
    if is_number(moved) and is_number(other) and is_number(plain) and other:
        return _like(now, moved * plain / other)
    return _like(now, own)


def _like(now: Any, value: Any) -> Any:
    """The value, in the tensor that holds the one before where that is one."""
    if not isinstance(now, torch.Tensor):
        return value
    with torch.no_grad():
        return now.fill_(float(value))
