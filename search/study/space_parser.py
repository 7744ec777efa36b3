"""From what a user writes under `space` to distributions; every mistake in one line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from search.study.space import Choice, Distribution, FloatRange, IntRange
from search.study.yaml_loader import shown

_FORMS = "{float: [low, high]}, {int: [low, high]} or {choice: [...]}"
_OPTIONS = {"float": ("log", "step"), "int": ("log", "step"), "choice": ()}


def parse_distribution(tree: Any) -> Distribution:
    """The distribution that a mapping like `{float: [1e-4, 1e-1], log: true}` describes.

    Raises:
        ValueError: rule, what was given, remedy; without the place.
    """
    if not isinstance(tree, Mapping):
        raise ValueError(f"must be {_FORMS}, got {shown(tree)}. Write it in braces.")
    kinds = [kind for kind in _OPTIONS if kind in tree]
    if len(kinds) != 1:
        near = [m for key in tree for m in get_close_matches(str(key), _OPTIONS, 1)]
        remedy = f"Did you mean {near[0]}?" if near and not kinds else "Name one of the three."
        raise ValueError(f"must be {_FORMS}, got {shown(dict(tree))}. {remedy}")
    kind = kinds[0]
    for key in tree:
        if key != kind and key not in _OPTIONS[kind]:
            known = ", ".join(_OPTIONS[kind]) or "nothing else"
            raise ValueError(f"{kind} takes {known}, got {shown(str(key))}. Remove it.")
    if kind == "choice":
        return _choice(tree["choice"])
    return _range(kind, tree)


def _choice(values: Any) -> Choice:
    if not isinstance(values, list):
        raise ValueError(f"choice must be a list, got {shown(values)}. Write [a, b].")
    for value in values:
        if isinstance(value, list | dict):
            raise ValueError(
                f"choice takes numbers, words, true, false or null, got {shown(value)}. "
                "Search a plain value."
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"choice takes finite numbers, got {shown(value)}. Remove it.")
    # 1, 1.0 and true are equal to Python and to the database
    keys = [1 if value is True else 0 if value is False else value for value in values]
    for index, key in enumerate(keys):
        if key in keys[:index]:
            raise ValueError(f"choice must not repeat a value, got {shown(values)}. Remove one.")
    if len(values) < 2:
        raise ValueError(f"choice needs two values or more, got {shown(values)}. Add one.")
    return Choice(tuple(values))


def _range(kind: str, tree: Mapping[str, Any]) -> FloatRange | IntRange:
    ends = tree[kind]
    if not isinstance(ends, list) or len(ends) != 2:
        raise ValueError(f"{kind} must be [low, high], got {shown(ends)}. Give both ends.")
    for end in ends:
        _check_number(kind, end)
    low, high = ends
    if low > high:
        raise ValueError(f"low must be below high, got low={low}, high={high}. Swap them.")
    if low == high:
        raise ValueError(
            f"low must be below high, got {low} twice. Put a single value into the section itself."
        )
    log, step = tree.get("log", False), tree.get("step")
    if not isinstance(log, bool):
        raise ValueError(f"log must be true or false, got {shown(log)}. Correct it.")
    if step is not None:
        _check_number(kind, step)
        if step <= 0 or step > high - low:
            raise ValueError(
                f"step must be above 0 and no more than high - low, got {shown(step)}. Correct it."
            )
    if log and step not in (None, 1 if kind == "int" else None):
        raise ValueError("log and step exclude each other, got both. Drop one.")
    if log and low <= 0:
        raise ValueError(f"log needs a low above 0, got low={low}. Raise it or drop log.")
    if kind == "float":
        return FloatRange(float(low), float(high), log, None if step is None else float(step))
    return IntRange(low, high, log, step or 1)


def _check_number(kind: str, value: Any) -> None:
    wanted = int if kind == "int" else int | float
    if isinstance(value, bool) or not isinstance(value, wanted):
        rule = "whole numbers" if kind == "int" else "numbers"
        raise ValueError(f"{kind} takes {rule}, got {shown(value)}. Correct it.")
    if not math.isfinite(value) or abs(value) > 2**53:
        raise ValueError(f"{kind} takes finite numbers, got {shown(value)}. Correct it.")


def distribution_tree(distribution: Distribution) -> dict[str, Any]:
    """What a user would write for a distribution; the inverse of `parse_distribution`."""
    if isinstance(distribution, Choice):
        return {"choice": list(distribution.values)}
    kind = "float" if isinstance(distribution, FloatRange) else "int"
    tree: dict[str, Any] = {kind: [distribution.low, distribution.high]}
    if distribution.log:
        tree["log"] = True
    if distribution.step not in (None, 1) or (kind == "float" and distribution.step == 1):
        tree["step"] = distribution.step
    return tree
