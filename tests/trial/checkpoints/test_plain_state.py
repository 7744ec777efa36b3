"""State of any kind goes into a file that loads with `weights_only=True`, and comes back."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import random
import re
import sys
import types
import uuid
import zoneinfo
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from pathlib import Path, PurePosixPath
from typing import Any

import jsonargparse
import numpy as np
import pytest
import torch
from lightning.fabric.utilities.data import AttributeDict

from search.errors import UserError
from search.trial.checkpoints.plain_state import Plain, restored


class Colour(enum.Enum):
    RED = "red"
    DEEP = Path("deep")


class Bits(enum.IntFlag):
    ONE = 1
    TWO = 2


Pair = namedtuple("Pair", "left right")


@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    colours: tuple[Colour, ...] = ()


@dataclasses.dataclass
class Checked:
    x: int

    def __post_init__(self) -> None:
        raise AssertionError("no code of a class runs")


class Custom:
    """Of no kind that is known."""


def checked(x: int) -> Checked:
    made = object.__new__(Checked)
    made.x = x
    return made


SEOUL = zoneinfo.ZoneInfo("Asia/Seoul")
VALUES: dict[str, Any] = {
    "atoms": [None, True, 1, 1.5, 1 + 2j, "a", b"b", bytearray(b"c"), 2**300],
    "containers": {"a": [1, (2, {3}), Counter("aab"), OrderedDict(a=1)], (1, 2): 3},
    "tensors": [torch.ones(2), torch.nn.Parameter(torch.zeros(1)), torch.float32, torch.Size([1])],
    "arrays": [np.arange(6).reshape(2, 3), np.array(1.5), np.ones(2, np.uint16)],
    "odd arrays": [np.array(["a", "bc"]), np.array([1, 2], ">f4"), np.array([1, None, Path("x")])],
    "array of times": np.array(["2026-01-02"], "datetime64[D]"),
    "scalars": [np.float64(0.5), np.float32(0.1), np.int64(3), np.bool_(True), np.str_("a")],
    "a scalar of time": np.datetime64("2026-01-02"),
    "in a tuple": (1, Path("a"), (np.int8(1),)),
    "in a set": {Path("a"), frozenset([Path("b")])},
    "keys": {Path("a"): 1, Colour.RED: 2, (1, Path("b")): 3},
    "ordered keys": OrderedDict([(np.int64(1), 2), (3, Path("x"))]),
    "default mappings": defaultdict(list, {"a": [np.float32(1)]}),
    "deques": deque([1, Path("a")], maxlen=5),
    "ranges": [range(1, 9, 2), slice(None, 3)],
    "paths": [Path("a/b"), PurePosixPath("c")],
    "numbers as texts": [decimal.Decimal("1.10"), fractions.Fraction(1, 3), uuid.UUID(int=5)],
    "patterns": re.compile("a+", re.IGNORECASE),
    "times": [
        datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.UTC),
        datetime.datetime(2026, 7, 2, 3, tzinfo=SEOUL),
        datetime.date(2026, 1, 2),
        datetime.time(1, 2),
        datetime.timedelta(days=1, microseconds=3),
        datetime.timezone(datetime.timedelta(hours=1)),
    ],
    "enums": [Colour.RED, Colour.DEEP, Bits.ONE | Bits.TWO],
    "named tuples": Pair(1, Path("a")),
    "dataclasses": [Point(1, (Colour.RED,)), checked(3)],
    "namespaces": [
        argparse.Namespace(a=1, b=Path("c")),
        types.SimpleNamespace(a=argparse.Namespace()),
        jsonargparse.Namespace(a=jsonargparse.Namespace(b=Path("c"))),
        AttributeDict(a=Path("x")),
    ],
}


def through_a_file(value: Any, path: Path, live: dict[str, Any] | None = None) -> Any:
    plain = Plain(live or {})
    content = plain.of(value)
    assert plain.unwritable == []
    torch.save({"content": content, "notes": plain.notes}, path)
    loaded = torch.load(path, weights_only=True)
    return restored(loaded["content"], loaded["notes"], live or {})


def same(value: Any, other: Any) -> bool:
    """Equal in type and value all the way down."""
    if type(value) is not type(other):
        return False
    if isinstance(value, torch.Tensor):
        return torch.equal(value, other)
    if isinstance(value, np.ndarray):
        return value.dtype == other.dtype and np.array_equal(value, other)
    if isinstance(value, dict):
        pairs = zip(value.items(), other.items(), strict=True)
        return all(same(list(one), list(two)) for one, two in pairs)
    if isinstance(value, list | tuple | deque):
        return len(value) == len(other) and all(map(same, value, other))
    if hasattr(value, "__dict__") and not isinstance(value, enum.Enum):
        return same(vars(value), vars(other))
    return bool(value == other)


@pytest.mark.parametrize("name", VALUES)
def test_value_comes_back_as_it_was(tmp_path: Path, name: str) -> None:
    value = VALUES[name]
    assert same(through_a_file(value, tmp_path / "file"), value)


def test_plain_data_is_not_copied() -> None:
    value = {"weights": OrderedDict(a=torch.ones(1)), "more": [(1, {2}), Counter("a")]}
    plain = Plain({})
    assert plain.of(value) is value
    assert plain.notes == []


def test_what_a_reader_without_this_tool_finds_comes_next_to_what_was_saved() -> None:
    value = {"path": Path("a"), "array": np.ones(2), "colour": Colour.RED, "point": Point(1)}
    content = Plain({}).of(value)
    assert torch.equal(content.pop("array"), torch.ones(2, dtype=torch.float64))
    assert content == {"path": "a", "colour": "red", "point": {"x": 1, "colours": ()}}


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.random.default_rng(1),
        lambda: np.random.Generator(np.random.MT19937(1)),
        lambda: np.random.RandomState(1),
        lambda: random.Random(1),
        lambda: torch.Generator().manual_seed(1),
    ],
)
def test_generator_goes_on_where_it_was(tmp_path: Path, make: Any) -> None:
    def drawn(generator: Any) -> Any:
        if isinstance(generator, torch.Generator):
            return torch.rand(1, generator=generator).item()
        return generator.random()

    generator = make()
    drawn(generator)
    back = through_a_file(generator, tmp_path / "file")
    assert [drawn(back) for _ in range(3)] == [drawn(generator) for _ in range(3)]


def test_object_of_the_configuration_comes_back_as_that_object(tmp_path: Path) -> None:
    live = {
        "model.loss": torch.nn.CrossEntropyLoss(torch.ones(2)),
        "model.half": functools.partial(max, 0.5),
        "model.act": torch.relu,
        "model.kind": torch.optim.Adam,
    }
    value = {**live, "again": [live["model.half"]]}
    kept = through_a_file(value, tmp_path / "file", live)
    assert all(kept[name] is each for name, each in live.items())
    assert kept["again"][0] is live["model.half"]


def test_weights_of_a_module_of_the_configuration_come_back(tmp_path: Path) -> None:
    module = torch.nn.Linear(1, 1)
    plain = Plain({"model.layer": module})
    content = plain.of({"teacher": module})
    torch.save(content, tmp_path / "file")
    fresh = torch.nn.Linear(1, 1)
    loaded = torch.load(tmp_path / "file", weights_only=True)
    assert restored(loaded, plain.notes, {"model.layer": fresh})["teacher"] is fresh
    assert torch.equal(fresh.weight, module.weight)


def test_what_is_of_no_kind_is_told_with_its_place() -> None:
    local = enum.Enum("Local", "A")
    plain = Plain({})
    value = {"a": [1, Custom()], "b": lambda: 1, "c": defaultdict(lambda: 1), "d": local.A}
    assert plain.of(value) == {"a": [1, None], "b": None, "c": None, "d": None}
    assert plain.unwritable == [
        [["a", 1], "Custom"],
        [["b"], "function"],
        [["c"], "defaultdict"],
        [["d"], "Local"],
    ]


def test_value_that_holds_itself_ends() -> None:
    value: list[Any] = [Path("a")]
    value.append(value)
    plain = Plain({})
    plain.of(value)
    assert "list" in [name for _, name in plain.unwritable]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("enum", ["os", "system"]),
        ("enum", ["builtins", "int"]),
        ("dataclass", ["subprocess", "Popen"]),
        ("named tuple", ["builtins", "tuple"]),
        ("enum", ["not_imported", "Colour"]),
        ("dataclass", [__name__, "Point.__init__"]),
    ],
)
def test_name_in_a_file_is_no_way_to_anything_else(kind: str, name: list[str]) -> None:
    with pytest.raises(UserError) as raised:
        restored([{}], [[[0], kind, name]], {})
    assert str(raised.value) == (
        f"checkpoint: {'.'.join(name)} is no longer there. Bring the class back."
    )


@pytest.mark.parametrize(
    "note",
    [
        [[1], "path", "PosixPath"],
        [[0, "x"], "path", "PosixPath"],
        [[0], "path", "Path.__new__"],
        [[0], "unknown", None],
        [[0], "array", ["<f4", [2]]],
        [[0], "enum", 3],
        [[], "range"],
    ],
)
def test_notes_that_are_not_of_their_content_are_told_in_a_line(note: Any) -> None:
    with pytest.raises(UserError) as raised:
        restored([{}], [note], {})
    assert str(raised.value).startswith("checkpoint: what it says of its own content is wrong: ")


def test_name_in_a_file_imports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("lazy")
    module.__getattr__ = lambda name: pytest.fail("looked up")  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, "lazy", module)
    with pytest.raises(UserError):
        restored(["red"], [[[0], "enum", ["lazy", "Colour"]]], {})


def test_configuration_of_omegaconf_comes_back(tmp_path: Path) -> None:
    omegaconf = pytest.importorskip("omegaconf")
    value = omegaconf.OmegaConf.create({"a": [1, {"b": "${a[0]}"}]})
    back = through_a_file({"cfg": value}, tmp_path / "file")["cfg"]
    assert type(back) is type(value)
    assert back == value
    assert back.a[1].b == 1
