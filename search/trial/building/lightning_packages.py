"""Lightning comes as two packages, `lightning.pytorch` and `pytorch_lightning`, whose classes do
not know each other; a project may name both, since this tool brings both.

What works is let through: a class of Lightning's own is taken from the model's package, which has
the same; callbacks and loggers of the user's are called by name only, but are made apart, because
the types of the model's package would refuse them.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jsonargparse import ArgumentError, ArgumentParser

from search.errors import UserError
from search.plain.tree import Tree, class_places, read_path, write_path
from search.trial.building.importing import import_name, namespace_of
from search.trial.building.parser_errors import explain
from search.trial.building.signatures import made_class
from search.trial.building.trainer import listed

# arguments of the Trainer whose objects it calls by name only, and their base class
_CALLED_BY_NAME = {"callbacks": "Callback", "logger": "Logger"}


@dataclass(frozen=True)
class Apart:
    """An object of the other package."""

    # the argument of the Trainer that it belongs to
    argument: str
    # its place in the list there; None where it is alone
    index: int | None
    base: type
    section: Tree


def unmixed(sections: Tree, namespace: str) -> tuple[Tree, list[Apart]]:
    """The sections as the package `namespace` can read them, and what has to be made apart.

    Raises:
        UserError: a class cannot be imported, or is of the other package where Lightning insists.
    """
    found = list(_of_the_other(sections, namespace))
    if not found:
        return sections, []
    read = copy.deepcopy(sections)
    apart: list[Apart] = []
    for place, path, named in found:
        own = _same_in(namespace, named)
        if own is not None:
            write_path(read, f"{place}.class_path", own)
        elif (each := _apart(place, named, read)) is not None:
            apart.append(each)
        elif place.count(".") == 0 or place.startswith("trainer."):
            raise UserError(_refused(place, path, named, namespace))
    for each in reversed(apart):
        _take_out(read["trainer"], each)
    return read, apart


def with_apart(arguments: Tree, apart: list[Apart]) -> Tree:
    """The Trainer's arguments with what had to be made apart, each where it was.

    Raises:
        UserError: an argument of one is wrong.
    """
    complete = dict(arguments)
    for each in apart:
        made = _made(each)
        if each.index is None:
            complete[each.argument] = made
            continue
        others = listed(complete.get(each.argument))
        complete[each.argument] = [*others[: each.index], made, *others[each.index :]]
    return complete


def _of_the_other(config: Tree, namespace: str) -> Iterator[tuple[str, str, object]]:
    for place, path in class_places(config):
        if "." not in path:
            continue  # jsonargparse finds some by their bare names
        named = import_name(path, f"{place}.class_path")
        other = namespace_of(made_class(named) or named)
        if other is not None and other != namespace:
            yield place, path, named


def _same_in(namespace: str, named: Any) -> str | None:
    """The path of the same class in the other package, for a class of Lightning's own."""
    other = namespace_of(named)
    module = getattr(named, "__module__", "")
    if other is None or not f"{module}.".startswith(f"{other}."):
        return None
    own = namespace + module.removeprefix(other)
    if not hasattr(importlib.import_module(own), named.__qualname__):
        return None
    return f"{own}.{named.__qualname__}"


def _apart(place: str, named: object, config: Tree) -> Apart | None:
    parts = place.split(".")
    if parts[0] != "trainer" or len(parts) not in (2, 3) or parts[1] not in _CALLED_BY_NAME:
        return None
    cls = made_class(named) or named
    namespace = namespace_of(cls, _CALLED_BY_NAME[parts[1]])
    if namespace is None:
        return None
    base = {"callbacks": "callbacks.Callback", "logger": "loggers.Logger"}[parts[1]]
    module, _, name = base.partition(".")
    return Apart(
        argument=parts[1],
        index=int(parts[2]) if len(parts) == 3 else None,
        base=getattr(importlib.import_module(f"{namespace}.{module}"), name),
        section=read_path(config, place),
    )


def _take_out(trainer: Tree, each: Apart) -> None:
    if each.index is None:
        del trainer[each.argument]
    else:
        del trainer[each.argument][each.index]


def _made(each: Apart) -> object:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(each.base, each.argument, fail_untyped=False)
    try:
        read = parser.parse_object({each.argument: each.section}, defaults=False)
        return parser.instantiate(read)[each.argument]
    except ArgumentError as error:
        raise UserError(f"trainer.{explain(str(error))}") from error


def _refused(place: str, path: str, named: Any, namespace: str) -> str:
    cls = made_class(named) or named
    other = namespace_of(cls)
    base = next(
        each.__name__
        for each in cls.__mro__
        if namespace_of(each) == other and (f"{each.__module__}.".startswith(f"{other}."))
    )
    return (
        f"{place}.class_path: {path} is of {other}, but the model is of {namespace}. "
        f"Derive it from {namespace}'s {base}, or the model from {other}'s LightningModule."
    )
