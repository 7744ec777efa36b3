"""What objects hold: the same things are equal, and nothing else is."""

from __future__ import annotations

import functools
import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from search.trial.inspection.fingerprint import Fingerprints


class Thing:
    def __init__(self, **held: Any) -> None:
        vars(self).update(held)


class Slotted:
    __slots__ = ("a",)

    def __init__(self, a: Any) -> None:
        self.a = a


def linear(weight: float) -> torch.nn.Linear:
    layer = torch.nn.Linear(2, 1)
    torch.nn.init.constant_(layer.weight, weight)
    torch.nn.init.zeros_(layer.bias)
    return layer


def cyclic(value: int) -> Thing:
    thing = Thing(value=value)
    thing.itself = [thing]
    return thing


def deep(value: int) -> Any:
    return [[[[[[[[value]]]]]]]]


MAKERS: dict[str, Callable[[int], Any]] = {
    "number": lambda n: n,
    "float": lambda n: n / 3,
    "attribute": lambda n: Thing(a=Thing(b={"c": (n,)})),
    "cycle": cyclic,
    "depth": deep,
    "tensor": lambda n: torch.arange(5) * n,
    "order": lambda n: torch.arange(5).roll(n),
    "bfloat16": lambda n: torch.ones(3, dtype=torch.bfloat16) * n,
    "one value": torch.tensor,
    "array": lambda n: np.arange(5) * n,
    "part of an array": lambda n: np.arange(9).reshape(3, 3)[:, n],
    "words": lambda n: np.array(["a", n], dtype=object),
    "set": lambda n: {n},
    "weights": linear,
    "meta": lambda n: torch.nn.Linear(n, 1, device="meta"),
    "closure": lambda n: lambda x: x + n,
    "default": lambda n: lambda x=n: x,
    "keyword": lambda n: lambda *, x=n: x,
    "code": lambda n: (lambda x: x) if n == 1 else (lambda x: -x),
    "method of a dictionary": lambda n: {"a": n}.get,
    "slots": Slotted,
    "generator": random.Random,
    "frozen": lambda n: torch.ones(1, requires_grad=n == 1),
    "lazy": torch.nn.LazyLinear,
    "partial": lambda n: functools.partial(max, n),
    "optimizer": lambda n: torch.optim.SGD(linear(1).parameters(), lr=n),
}


@pytest.mark.parametrize("name", MAKERS)
def test_objects_are_equal_where_their_value_is(name: str) -> None:
    make = MAKERS[name]
    assert Fingerprints().of(make(1)) == Fingerprints().of(make(1))
    assert Fingerprints().of(make(1)) != Fingerprints().of(make(2))


def test_what_cannot_be_compared_is_never_equal() -> None:
    generator = (number for number in range(3))
    assert Fingerprints().of(generator) != Fingerprints().of(generator)
    one, other = (Fingerprints().of(generator) for _ in range(2))
    assert Fingerprints().of(one) != Fingerprints().of(other)
    lock = Thing(lock=threading.Lock())
    assert Fingerprints().of(lock) != Fingerprints().of(lock)
    many = list(range(100_000))
    assert Fingerprints().of(many) != Fingerprints().of(many)
