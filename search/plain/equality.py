"""Equality of two values of a study file, as it is to the classes that take them.

Python's `==` is too kind: to it 1, 1.0 and true are one value, which a constructor need not agree
with; and too strict: no NaN is equal to another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeGuard, TypeVar

from search.plain.tree import ARGUMENT_KEYS

KeyT = TypeVar("KeyT")


class _NotSet:
    """Stands for a key that is absent, which null is not: the default need not be None."""

    def __str__(self) -> str:
        return "not set"


NOT_SET = _NotSet()


def value_at(tree: Mapping[KeyT, object], key: KeyT) -> object:
    """The value of a key; `NOT_SET` where there is none, or a mapping of arguments is empty."""
    value = tree.get(key, NOT_SET)
    return NOT_SET if key in ARGUMENT_KEYS and not value else value


def is_equal(old: object, new: object, *, typed: bool = True) -> bool:
    """Compare two trees of plain data, whatever the order of their keys.

    Args:
        typed: 1 and 1.0 differ; true is never 1.
    """
    match old, new:
        case Mapping(), Mapping():
            return all(
                is_equal(value_at(old, key), value_at(new, key), typed=typed)
                for key in {*old, *new}
            )
        case ((list() | tuple()), (list() | tuple())):
            return len(old) == len(new) and all(
                is_equal(one, other, typed=typed) for one, other in zip(old, new, strict=True)
            )
        case float(), float() if math.isnan(old) and math.isnan(new):
            return True
    of_one_type = typed or bool in (type(old), type(new))
    if of_one_type and type(old) is not type(new):
        return False
    return bool(old == new)


def is_number(value: object) -> TypeGuard[float]:
    """Tell a number from all else, true and false included, which Python takes for 1 and 0."""
    return isinstance(value, int | float) and not isinstance(value, bool)
