"""Classes and objects that state refers to by name: found again, never imported or made."""

from __future__ import annotations

import functools
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

import torch

from search.errors import UserError

# objects that a configuration makes anew, and that do not change
_REFERENCES = (
    *(torch.nn.Module, type, functools.partial),
    *(types.FunctionType, types.BuiltinFunctionType, types.MethodType),
)


class Unwritable(Exception):
    """A value of no kind that is known here."""


def name_of(cls: type) -> list[str]:
    name = [cls.__module__, cls.__qualname__]
    if _found(name) is not cls:
        raise Unwritable
    return name


def _found(name: list[str]) -> object:
    """A class of an imported module; nothing is imported, and no module's own lookup runs."""
    found: Any = sys.modules.get(name[0])
    for part in name[1].split("."):
        found = getattr(found, "__dict__", {}).get(part)
    return found


def class_named(name: list[str], is_fit: Callable[[object], bool]) -> Any:
    found = _found(name)
    if not isinstance(found, type) or not is_fit(found):
        raise UserError(f"checkpoint: {'.'.join(name)} is no longer there. Bring the class back.")
    return found


def reference_of(value: Any, live: Mapping[str, Any]) -> tuple[Any, str]:
    """The weights of a module, and under which name the running trial knows the object.

    Raises:
        Unwritable: it does not, or the object may change.
    """
    if isinstance(value, _REFERENCES):
        for name, each in live.items():
            if each is value:
                is_module = isinstance(value, torch.nn.Module)
                return dict(value.state_dict()) if is_module else None, name
    raise Unwritable


def referred(content: Any, name: str, live: Mapping[str, Any]) -> Any:
    """The object of that name, with the weights that it had.

    Raises:
        UserError: there is none.
    """
    if name not in live:
        raise UserError(f"checkpoint: there is no {name} any more. Bring it back.")
    if isinstance(live[name], torch.nn.Module):
        live[name].load_state_dict(content)
    return live[name]
