"""Kinds of values, by the annotation of an argument or by its default."""

from __future__ import annotations

import collections.abc
import enum
import math
import types
import typing
from typing import Any, Literal, Union

import torch

from search.answers import BOOL, CHOICE, FLOAT, INT, OPTIMIZER_CALLABLE, OTHER, TEXT
from search.space.distributions import Scalar
from search.trial.building.signatures import EMPTY

KINDS = {bool: BOOL, int: INT, float: FLOAT, str: TEXT}
# packages whose classes have arguments that are no user's own
FOREIGN = ("torch", "lightning", "pytorch_lightning", "torchvision", "torchmetrics")
_CALLABLES = (
    (torch.optim.Optimizer, OPTIMIZER_CALLABLE),
    (torch.optim.lr_scheduler.LRScheduler, "LRSchedulerCallable"),
)


def argument_kind(annotation: object, value: object) -> tuple[str, tuple[Scalar, ...]]:
    """The kind of an argument of this annotation and default, and the values of a choice."""
    members = [each for each in _members(annotation) if each is not type(None)]
    if not members or members == [EMPTY]:
        members = [type(value)]
    if all(typing.get_origin(each) is Literal for each in members):
        return CHOICE, tuple(text for each in members for text in typing.get_args(each))
    if len(members) == 1 and isinstance(members[0], type) and issubclass(members[0], enum.Enum):
        return CHOICE, tuple(each.name for each in members[0])
    kinds = {KINDS.get(each, OTHER) for each in members if isinstance(each, type)}
    if FLOAT in kinds:
        # float | Tensor, as torch writes a learning rate, takes a float
        return FLOAT, ()
    return (kinds.pop(), ()) if len(kinds) == 1 else (OTHER, ())


def plain_value(value: object) -> Any:
    """The value as plain data; None where it is none."""
    if isinstance(value, enum.Enum):
        return value.name
    # JSON has no word for it, and no range begins there
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if type(value) in KINDS else None


def annotation_text(annotation: object) -> str:
    """An annotation as a reader of a study file would write it."""
    if annotation is EMPTY:
        return ""
    if isinstance(annotation, str):
        return annotation
    members = _members(annotation)
    for base, word in _CALLABLES:
        if any(_returns(each, base) for each in members):
            return word
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def _members(annotation: object) -> list[object]:
    if typing.get_origin(annotation) is typing.Annotated:
        return _members(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return [member for each in typing.get_args(annotation) for member in _members(each)]
    return [annotation]


def _returns(annotation: object, base: type) -> bool:
    """True where an annotation is a Callable that makes what derives from `base`."""
    if typing.get_origin(annotation) is not collections.abc.Callable:
        return False
    made = typing.get_args(annotation)[-1]
    return any(isinstance(each, type) and issubclass(each, base) for each in _members(made))
