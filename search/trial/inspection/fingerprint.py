"""The content of an object, as plain data that can be compared.

What cannot be compared, or would take too long, is equal to nothing: two objects are only ever
called the same where that is certain.
"""

from __future__ import annotations

import functools
import inspect
import logging
import math
import pickle
import sys
import types
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch.utils.hooks import RemovableHandle

from search.trial.process.loaded_sources import is_users_own

_MOST_OBJECTS = 50_000
_DEEPEST = 20
_PLAIN = (str, bytes, int, bool, complex, type(None))
# the same everywhere, or code, which no value changes
_BY_NAME = (types.ModuleType, types.BuiltinFunctionType, logging.Logger)
# the cache of an abstract class
_OF_ABC = "_abc_impl"
# what save_hyperparameters keeps is every argument, read or not
SAVED_ARGUMENTS = frozenset({"_hparams", "_hparams_initial", "_hparams_name"})


class Incomparable:
    """Equal to nothing, itself included."""

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


class Fingerprints:
    """Turns objects into plain data, up to a number of objects in all."""

    def __init__(self) -> None:
        self._left = _MOST_OBJECTS
        # the objects that the present one was reached through
        self._above: list[int] = []
        self._classes: dict[type, object] = {}

    def of(self, value: object) -> object:
        """The content of `value`."""
        self._left -= 1
        if self._left < 0 or len(self._above) > _DEEPEST or isinstance(value, Incomparable):
            return Incomparable()
        if isinstance(value, _PLAIN):
            return type(value).__name__, value
        if isinstance(value, float):
            return "float", "nan" if math.isnan(value) else value
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, _BY_NAME) and _is_findable(value):
            return getattr(value, "__qualname__", type(value).__qualname__)
        if id(value) in self._above:
            return type(value).__qualname__
        self._above.append(id(value))
        try:
            return self._class(type(value)), self._content(value), self._attributes(value)
        finally:
            self._above.pop()

    def methods(self, cls: type) -> object:
        """The name of a class, and what the methods of the user's own get from where it is made:
        their defaults, and the names of a function around it."""
        functions = [
            (name, function)
            for each in cls.__mro__
            if is_users_own(sys.modules.get(each.__module__))
            for name, member in vars(each).items()
            if (function := function_of(member)) is not None
        ]
        return cls.__qualname__, [(name, self.of(function)) for name, function in functions]

    def _class(self, cls: type) -> object:
        """A class: the methods and attributes of the user's own, the name of any other."""
        if cls not in self._classes:
            # it may lead to itself
            self._classes[cls] = cls.__qualname__
            attributes = class_attributes(
                each for each in cls.__mro__ if is_users_own(sys.modules.get(each.__module__))
            )
            named = [(name, self.of(each)) for name, each in attributes.items()]
            self._classes[cls] = self.methods(cls), named
        return self._classes[cls]

    def _content(self, value: object) -> object:
        """The content of an object beside its attributes."""
        match value:
            case torch.Tensor():
                return checksum(value), value.requires_grad
            case Mapping():
                # the numbers under which a module keeps its hooks are counted through
                items = value.values() if _is_numbered(value) else value.items()
                return [self.of(each) for each in items]
            case list() | tuple():
                return [self.of(each) for each in value]
            case types.FunctionType():
                cells = [_cell_content(cell) for cell in value.__closure__ or ()]
                parts = [cells, value.__defaults__, value.__kwdefaults__]
                return value.__code__, self.of(parts)
            case types.MethodType() | types.BuiltinMethodType():
                return value.__name__, self.of([getattr(value, "__func__", None), value.__self__])
            case functools.partial():
                return self.of([value.func, value.args, value.keywords])
            case torch.optim.Optimizer():
                groups = [{k: v for k, v in g.items() if k != "params"} for g in value.param_groups]
                return [len(group["params"]) for group in value.param_groups], self.of(groups)
            case RemovableHandle():
                return None
        return self._reduced(value)

    def _reduced(self, value: object) -> object:
        """The state of an object that is not in its attributes, such as a generator's."""
        if hasattr(value, "__array_interface__") or not hasattr(value, "__dict__"):
            return _pickled(value)
        ways = [name for cls in type(value).__mro__[:-1] for name in vars(cls)]
        if "__reduce__" in ways or "__reduce_ex__" in ways:
            return self.of(value.__reduce_ex__(2))
        return None

    def _attributes(self, value: object) -> object:
        if isinstance(value, torch.optim.Optimizer | RemovableHandle | types.MethodType):
            return None
        slots = [
            name
            for cls in type(value).__mro__
            for name in _names(vars(cls).get("__slots__", ()))
            if name not in ("__dict__", "__weakref__") and hasattr(value, name)
        ]
        named = {**getattr(value, "__dict__", {}), **{name: getattr(value, name) for name in slots}}
        return [
            (name, self.of(each)) for name, each in named.items() if name not in SAVED_ARGUMENTS
        ]


def class_attributes(classes: Iterable[type]) -> dict[str, object]:
    """The attributes of classes, the first of which counts, without methods and the like."""
    return {
        name: each
        for cls in reversed(list(classes))
        for name, each in vars(cls).items()
        if not name.startswith("__") and not hasattr(each, "__get__") and name != _OF_ABC
    }


def function_of(member: Any) -> types.FunctionType | None:
    """The function of a method of any kind; None for anything else."""
    function = getattr(member, "__func__", getattr(member, "fget", member))
    function = inspect.unwrap(function) if callable(function) else None
    return function if isinstance(function, types.FunctionType) else None


def _is_findable(value: Any) -> bool:
    """Look a module, class or function up by its own name."""
    if isinstance(value, types.ModuleType | logging.Logger):
        return True
    found: Any = sys.modules.get(getattr(value, "__module__", None) or "builtins")
    for part in value.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is value


def _is_numbered(value: Mapping[object, object]) -> bool:
    return isinstance(value, OrderedDict) and all(type(key) is int for key in value)


def _names(slots: Any) -> tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _cell_content(cell: types.CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


def checksum(tensor: torch.Tensor) -> object:
    """Shape, type, and a number that changes with the values of a tensor or with their order."""
    if torch.nn.parameter.is_lazy(tensor):
        return None
    kind = tuple(tensor.shape), str(tensor.dtype)
    if tensor.is_meta:
        return kind
    try:
        flat = tensor.detach().cpu().contiguous().flatten()
        return kind, zlib.crc32(flat.view(torch.uint8).numpy().data)
    except (RuntimeError, NotImplementedError):
        return Incomparable()


def _pickled(value: Any) -> object:
    try:
        if hasattr(value, "__array_interface__"):  # an array of NumPy's, which may be large
            return str(value.dtype), value.shape, zlib.crc32(np.ascontiguousarray(value).data)
        return pickle.dumps(value)
    except Exception:  # an object's own way of being pickled may raise anything
        return Incomparable()
