"""What an object holds, as plain data that can be compared.

What cannot be compared, or would take too long, is equal to nothing: two objects are only ever
called the same where that is certain.
"""

from __future__ import annotations

import functools
import logging
import math
import pickle
import types
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

_MOST_OBJECTS = 50_000
_DEEPEST = 20
_PLAIN = (str, bytes, int, bool, complex, type(None))
# the same everywhere, or code, which no value changes
_BY_NAME = (types.ModuleType, types.BuiltinFunctionType, type, logging.Logger)
# what save_hyperparameters keeps is every argument, read or not
_SAVED_ARGUMENTS = frozenset({"_hparams", "_hparams_initial", "_hparams_name"})


class Incomparable:
    """Equal to nothing, itself included."""

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


class Holding:
    """Turns objects into plain data, up to a number of objects in all."""

    def __init__(self) -> None:
        self._left = _MOST_OBJECTS
        # the objects that the present one was reached through
        self._above: list[int] = []

    def of(self, value: Any) -> Any:
        """What `value` holds."""
        self._left -= 1
        if self._left < 0 or len(self._above) > _DEEPEST:
            return Incomparable()
        if isinstance(value, _PLAIN):
            return type(value).__name__, value
        if isinstance(value, float):
            return "float", "nan" if math.isnan(value) else value
        if isinstance(value, torch.Tensor):
            return type(value).__name__, checksum(value)
        if isinstance(value, _BY_NAME) or id(value) in self._above:
            return getattr(value, "__qualname__", type(value).__qualname__)
        self._above.append(id(value))
        try:
            return self._of_object(value)
        finally:
            self._above.pop()

    def _of_object(self, value: Any) -> Any:
        name = type(value).__qualname__
        if isinstance(value, Mapping):
            return name, [(self.of(key), self.of(each)) for key, each in value.items()]
        if isinstance(value, list | tuple):
            return name, [self.of(each) for each in value]
        if isinstance(value, types.FunctionType):
            cells = [_content(cell) for cell in value.__closure__ or ()]
            return value.__qualname__, self.of(cells)
        if isinstance(value, types.MethodType):
            return name, self.of([value.__func__, value.__self__])
        if isinstance(value, functools.partial):
            return name, self.of([value.func, value.args, value.keywords])
        if isinstance(value, torch.optim.Optimizer):
            groups = [{k: v for k, v in g.items() if k != "params"} for g in value.param_groups]
            return name, self.of(groups)
        if hasattr(value, "__dict__"):
            return name, self._of_attributes(value)
        return name, _pickled(value)

    def _of_attributes(self, value: Any) -> Any:
        return [
            (name, self.of(each))
            for name, each in vars(value).items()
            if name not in _SAVED_ARGUMENTS
        ]


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


def checksum(tensor: torch.Tensor) -> Any:
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


def _pickled(value: Any) -> Any:
    try:
        if hasattr(value, "__array_interface__"):  # an array of NumPy's, which may be large
            return str(value.dtype), value.shape, zlib.crc32(np.ascontiguousarray(value).data)
        return pickle.dumps(value)
    except Exception:  # an object's own way of being pickled may raise anything
        return Incomparable()
