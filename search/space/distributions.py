"""The searched values: a dotted path into the study file -> a distribution.

Plain data; the engine turns it into Optuna's distributions. In a path such as
`model.init_args.encoder[mlp].init_args.width`, `[mlp]` says that the value is one of the option
`mlp` of the choice before it; the place in the configuration is the path without it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Scalar = None | bool | int | float | str
# a parameter exists where each of these paths has one of its values
When = tuple[tuple[str, tuple[Scalar, ...]], ...]
Params = dict[str, Any]

OPTION = re.compile(r"\[([^\]]*)\]")


@dataclass(frozen=True)
class FloatRange:
    """Floats from `low` to `high`, both included; `step` and `log` exclude each other."""

    low: float
    high: float
    log: bool = False
    step: float | None = None
    when: When = ()


@dataclass(frozen=True)
class IntRange:
    """Integers from `low` to `high`, both included, `step` apart; `log` needs a step of 1."""

    low: int
    high: int
    log: bool = False
    step: int = 1
    when: When = ()


@dataclass(frozen=True)
class Choice:
    """One of `values`, in no order.

    `subtrees`, where there are any, are what stands in the configuration for each of the values,
    which are then only names.
    """

    values: tuple[Scalar, ...]
    when: When = ()
    subtrees: tuple[Any, ...] | None = None

    def written(self, value: Scalar) -> Any:
        """What stands in the configuration for `value`."""
        return value if self.subtrees is None else self.subtrees[self.values.index(value)]


@dataclass(frozen=True)
class Hinted:
    """A range that the annotation of an argument will give; see `search.space.annotations`."""


Distribution = FloatRange | IntRange | Choice
Space = dict[str, Distribution]


def config_path(path: str) -> str:
    """Where the value of a parameter stands in a configuration."""
    return OPTION.sub("", path)


def is_active(distribution: Distribution, params: Mapping[str, Any]) -> bool:
    """Whether a parameter exists in a trial whose earlier parameters are `params`."""
    return all(
        path in params and any(is_same(params[path], value) for value in values)
        for path, values in distribution.when
    )


def is_same(one: Scalar, other: Scalar) -> bool:
    """Equality for which true is not 1; 1 and 1.0 are the same number."""
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def in_order(space: Space) -> Space:
    """The space with each parameter after those that its conditions name.

    Raises:
        ValueError: conditions lead back to where they began; the message names the paths.
    """
    ordered: Space = {}
    under_way: list[str] = []

    def place(path: str) -> None:
        if path in ordered:
            return
        if path in under_way:
            raise ValueError(" -> ".join([*under_way[under_way.index(path) :], path]))
        under_way.append(path)
        for parent, _ in space[path].when:
            place(parent)
        under_way.remove(path)
        ordered[path] = space[path]

    for path in space:
        place(path)
    return ordered


def contains(distribution: Distribution, value: Any) -> bool:
    """Whether a value can be sampled from the distribution."""
    if isinstance(distribution, Choice):
        return any(is_same(value, choice) for choice in distribution.values)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if isinstance(distribution, IntRange) and not isinstance(value, int):
        return False
    if not distribution.low <= value <= distribution.high:
        return False
    if distribution.step is None:
        return True
    steps = (value - distribution.low) / distribution.step
    return abs(steps - round(steps)) < 1e-8


def count_of(distribution: Distribution) -> int | None:
    """How many values there are; None for a range without steps."""
    if isinstance(distribution, Choice):
        return len(distribution.values)
    if distribution.step is None:
        return None
    if isinstance(distribution, IntRange):
        return (distribution.high - distribution.low) // distribution.step + 1
    return int((distribution.high - distribution.low) / distribution.step + 1e-8) + 1


def values_of(distribution: Distribution) -> list[Any] | None:
    """All values in order; None for a range without steps."""
    if isinstance(distribution, Choice):
        return list(distribution.values)
    if isinstance(distribution, IntRange):
        return list(range(distribution.low, distribution.high + 1, distribution.step))
    count = count_of(distribution)
    if distribution.step is None or count is None:
        return None
    return [distribution.low + index * distribution.step for index in range(count)]
