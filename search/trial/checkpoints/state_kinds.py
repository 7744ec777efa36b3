"""The kinds of objects that `plain_state` takes apart and puts together, one a row."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import decimal
import enum
import fractions
import pathlib
import random
import re
import sys
import uuid
import zoneinfo
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jsonargparse
import numpy as np
import torch
from lightning.fabric.utilities.data import AttributeDict

from search.trial.checkpoints.state_names import Unwritable, class_named, name_of

# exact types that torch loads with weights_only=True
ATOMS = {
    *(type(None), bool, int, float, complex, str, bytes, bytearray),
    *(torch.dtype, torch.device, torch.layout, torch.Size),
}
_FACTORIES = {each.__name__: each for each in (list, dict, set, int, float, str, bool, tuple)}
_BIT_GENERATORS = {
    each.__name__: each
    for each in (
        np.random.PCG64,
        np.random.PCG64DXSM,
        np.random.MT19937,
        np.random.Philox,
        np.random.SFC64,
    )
}
_MAPPINGS = {each.__name__: each for each in (dict, OrderedDict, Counter)}
_NAMESPACES = {
    f"{each.__module__}.{each.__name__}": each
    for each in (argparse.Namespace, SimpleNamespace, jsonargparse.Namespace)
}
_PATHS = {
    each.__name__: each
    for each in (type(pathlib.Path()), pathlib.PurePosixPath, pathlib.PureWindowsPath)
}
_BY_TEXT = {each.__name__: each for each in (decimal.Decimal, fractions.Fraction, uuid.UUID)}
_TIMES = {each.__name__: each for each in (datetime.datetime, datetime.date, datetime.time)}


@dataclasses.dataclass(frozen=True)
class Kind:
    """One kind of objects, as plain data and back.

    `taken_apart` gives the content of an object, which is made plain in its turn, and details that
    are plain already; `put_together` takes both.
    """

    is_kind: Callable[[Any], bool]
    taken_apart: Callable[[Any], tuple[object, object]]
    put_together: Callable[[Any, Any], object]


def _exactly(*classes: type) -> Callable[[object], bool]:
    return lambda value: type(value) in classes


def _array_apart(array: np.ndarray[Any, Any]) -> tuple[object, object]:
    details = [array.dtype.str, list(array.shape)]
    if array.dtype.fields is not None:
        raise Unwritable
    if array.dtype.hasobject:
        return array.ravel().tolist(), details
    flat = np.ascontiguousarray(array).reshape(-1)
    try:
        return torch.from_numpy(flat.copy()), details
    except (TypeError, ValueError):  # texts, times, byte orders: what torch has no type for
        return torch.from_numpy(flat.view(np.uint8).copy()), details


def _array_together(content: Any, details: Any) -> object:
    dtype, shape = np.dtype(details[0]), details[1]
    if dtype.hasobject:
        array = np.empty(len(content), dtype)
        array[:] = content
        return array.reshape(shape)
    flat = content.cpu().numpy()
    return (flat if flat.dtype == dtype else flat.view(dtype)).reshape(shape).copy()


def _scalar_apart(value: Any) -> tuple[object, object]:
    if type(value.item()) in ATOMS:
        return value.item(), value.dtype.str
    return np.asarray(value), value.dtype.str


def _scalar_together(content: Any, details: Any) -> object:
    return content[()] if isinstance(content, np.ndarray) else np.dtype(details).type(content)


def _default_apart(value: Any) -> tuple[object, object]:
    factory = value.default_factory
    if factory is not None and _FACTORIES.get(getattr(factory, "__name__", "")) is not factory:
        raise Unwritable
    return dict(value), factory and factory.__name__


def _time_apart(value: Any) -> tuple[object, object]:
    zone = getattr(value, "tzinfo", None)
    if zone is not None and not isinstance(zone, datetime.timezone | zoneinfo.ZoneInfo):
        raise Unwritable
    return value.isoformat(), [type(value).__name__, getattr(zone, "key", None)]


def _time_together(content: Any, details: Any) -> object:
    name, zone = details
    time: Any = _TIMES[name].fromisoformat(content)
    return time if zone is None else time.replace(tzinfo=zoneinfo.ZoneInfo(zone))


def _is_enum(cls: object) -> bool:
    return isinstance(cls, type) and issubclass(cls, enum.Enum)


def _is_named_tuple(cls: object) -> bool:
    return isinstance(cls, type) and issubclass(cls, tuple) and hasattr(cls, "_fields")


def _is_dataclass(cls: object) -> bool:
    return isinstance(cls, type) and dataclasses.is_dataclass(cls)


def _dataclass_apart(value: Any) -> tuple[object, object]:
    if isinstance(value, torch.nn.Module):
        raise Unwritable
    held = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    return {**held, **getattr(value, "__dict__", {})}, name_of(type(value))


def _dataclass_together(content: Any, details: Any) -> object:
    cls = class_named(details, _is_dataclass)
    made = object.__new__(cls)
    for name, each in content.items():
        object.__setattr__(made, name, each)
    return made


def _numpy_generator(content: Any, details: Any) -> object:
    bits = _BIT_GENERATORS[details]()
    bits.state = content
    return np.random.Generator(bits)


def _with_state(made: Any, set_state: str, state: Any) -> object:
    getattr(made, set_state)(state)
    return made


def _is_config(value: object) -> bool:
    omegaconf = sys.modules.get("omegaconf")
    return omegaconf is not None and isinstance(value, omegaconf.Container)


def _config_apart(value: object) -> tuple[object, object]:
    return sys.modules["omegaconf"].OmegaConf.to_container(value, resolve=False), None


def _config_together(content: Any, details: Any) -> object:
    return sys.modules["omegaconf"].OmegaConf.create(content)


KINDS: dict[str, Kind] = {
    # made by `plain_state` of what holds such objects, and never found by it
    "tuple": Kind(lambda _: False, lambda value: (value, None), lambda held, _: tuple(held)),
    "set": Kind(lambda _: False, lambda value: (value, None), lambda held, _: set(held)),
    "pairs": Kind(
        lambda _: False, lambda value: (value, None), lambda held, name: _MAPPINGS[name](held)
    ),
    "array": Kind(_exactly(np.ndarray), _array_apart, _array_together),
    "scalar": Kind(lambda value: isinstance(value, np.generic), _scalar_apart, _scalar_together),
    "frozenset": Kind(
        _exactly(frozenset), lambda value: (list(value), None), lambda held, _: frozenset(held)
    ),
    "default mapping": Kind(
        _exactly(defaultdict),
        _default_apart,
        lambda held, name: defaultdict(_FACTORIES.get(name), held),
    ),
    "deque": Kind(
        _exactly(deque),
        lambda value: (list(value), value.maxlen),
        deque,
    ),
    "range": Kind(
        _exactly(range),
        lambda value: ([value.start, value.stop, value.step], None),
        lambda held, _: range(*held),
    ),
    "slice": Kind(
        _exactly(slice),
        lambda value: ([value.start, value.stop, value.step], None),
        lambda held, _: slice(*held),
    ),
    "path": Kind(
        _exactly(*_PATHS.values()),
        lambda value: (str(value), type(value).__name__),
        lambda held, name: _PATHS[name](held),
    ),
    "text": Kind(
        _exactly(*_BY_TEXT.values()),
        lambda value: (str(value), type(value).__name__),
        lambda held, name: _BY_TEXT[name](held),
    ),
    "pattern": Kind(
        _exactly(re.Pattern),
        lambda value: (value.pattern, value.flags),
        re.compile,
    ),
    "time": Kind(_exactly(*_TIMES.values()), _time_apart, _time_together),
    "time zone": Kind(
        _exactly(datetime.timezone),
        lambda value: (value.utcoffset(None), None),
        lambda held, _: datetime.timezone(held),
    ),
    "time span": Kind(
        _exactly(datetime.timedelta),
        lambda value: ([value.days, value.seconds, value.microseconds], None),
        lambda held, _: datetime.timedelta(*held),
    ),
    "enum": Kind(
        lambda value: isinstance(value, enum.Enum),
        lambda value: (value.value, name_of(type(value))),
        lambda held, name: class_named(name, _is_enum)(held),
    ),
    "named tuple": Kind(
        lambda value: _is_named_tuple(type(value)),
        lambda value: (list(value), name_of(type(value))),
        lambda held, name: tuple.__new__(class_named(name, _is_named_tuple), held),
    ),
    "namespace": Kind(
        _exactly(*_NAMESPACES.values()),
        lambda value: (dict(vars(value)), f"{type(value).__module__}.{type(value).__name__}"),
        lambda held, name: _NAMESPACES[name](**held),
    ),
    "attributes": Kind(
        lambda value: type(value).__name__ == "AttributeDict" and isinstance(value, dict),
        lambda value: (dict(value), None),
        lambda held, _: AttributeDict(held),
    ),
    "configuration": Kind(_is_config, _config_apart, _config_together),
    "numpy generator": Kind(
        _exactly(np.random.Generator),
        lambda value: (value.bit_generator.state, type(value.bit_generator).__name__),
        _numpy_generator,
    ),
    "numpy random state": Kind(
        _exactly(np.random.RandomState),
        lambda value: (value.get_state(legacy=False), None),
        lambda held, _: _with_state(np.random.RandomState(), "set_state", held),
    ),
    "python generator": Kind(
        _exactly(random.Random),
        lambda value: (value.getstate(), None),
        lambda held, _: _with_state(random.Random(), "setstate", held),
    ),
    "torch generator": Kind(
        _exactly(torch.Generator),
        lambda value: (value.get_state(), str(value.device)),
        lambda held, device: _with_state(torch.Generator(device), "set_state", held.cpu()),
    ),
    "dataclass": Kind(
        lambda value: _is_dataclass(type(value)), _dataclass_apart, _dataclass_together
    ),
}
