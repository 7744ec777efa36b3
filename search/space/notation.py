"""From what a user writes under `space` to distributions; every mistake in one line."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from search.plain.equality import is_number
from search.plain.wording import did_you_mean, nearest
from search.plain.yaml import flow_yaml, shown
from search.space.distributions import (
    AUTO,
    Categorical,
    Distribution,
    FloatRange,
    Hinted,
    IntRange,
    When,
)
from search.space.priors import SPREADS, Prior

_FORMS = "{float: [low, high]}, {int: [low, high]} or {choice: [...]}"
_OPTIONS = {
    "float": ("log", "step", "when", "prior"),
    "int": ("log", "step", "when", "prior"),
    "choice": ("when", "prior"),
}
_PRIOR = "low, medium, high or {center: VALUE, confidence: low | medium | high}"
_NUMBERS = "Write a number; words and switches go into {choice: [...]}."
# whole numbers up to here are floats without loss, as which the database keeps them
_EXACT = 2**53


def parse_distribution(tree: object) -> Distribution | Hinted:
    """The distribution that a mapping like `{float: [1e-4, 1e-1], log: true}` describes.

    Raises:
        ValueError: rule, what was given, remedy; without the place.
    """
    if tree == AUTO:
        return Hinted()
    if not isinstance(tree, Mapping):
        raise ValueError(f"must be {_FORMS}, got {shown(tree)}. {_in_braces(tree)}")
    kinds = [kind for kind in _OPTIONS if kind in tree]
    if len(kinds) != 1:
        near = next(filter(None, (nearest(str(key), _OPTIONS) for key in tree)), None)
        remedy = f"Did you mean {near}?" if near and not kinds else "Name one of the three."
        raise ValueError(f"must be {_FORMS}, got {shown(dict(tree))}. {remedy}")
    kind = kinds[0]
    for key in tree:
        if key != kind and key not in _OPTIONS[kind]:
            known = ", ".join(_OPTIONS[kind])
            remedy = did_you_mean(key, _OPTIONS[kind], otherwise="Remove it.")
            raise ValueError(f"{kind} takes {known}, got {shown(str(key))}. {remedy}")
    when = _when(tree["when"]) if "when" in tree else ()
    distribution = _choice(tree["choice"]) if kind == "choice" else _range(kind, tree)
    prior = _prior(tree["prior"], distribution) if "prior" in tree else None
    return replace(distribution, when=when, prior=prior)


def _prior(tree: object, distribution: Distribution) -> Prior:
    """The prior that a mapping describes."""
    # one that names none has its center by now, see `search.space.prior_centers`
    problem = f"prior must be {_PRIOR}, got {shown(tree)}. Name the center."
    if not isinstance(tree, Mapping):
        raise ValueError(problem)
    for key in tree:
        if key not in ("center", "confidence"):
            remedy = did_you_mean(key, ("center", "confidence"), otherwise="Remove it.")
            raise ValueError(f"prior takes center, confidence, got {shown(str(key))}. {remedy}")
    if "center" not in tree:
        raise ValueError(problem)
    center, confidence = tree["center"], tree.get("confidence", "medium")
    if not distribution.contains(center):
        raise ValueError(
            f"prior: center must be {distribution.in_words}, got {shown(center)}. "
            "Name one of the values that are searched."
        )
    if not isinstance(confidence, str) or confidence not in SPREADS:
        raise ValueError(
            f"prior: confidence must be low, medium or high, got {shown(confidence)}. "
            f"{did_you_mean(str(confidence), list(SPREADS))}"
        )
    return Prior(distribution.coerce(center), confidence)


def _in_braces(tree: object) -> str:
    """A remedy for a range that was given without its kind."""
    match tree:
        case [low, high] if is_number(low) and is_number(high):
            return f"Write {{float: {flow_yaml(tree)}}}, {{int: ...}} or {{choice: ...}}."
        case [_, *_]:
            return f"Write {{choice: {shown(tree)}}}."
    return "Write {float: [1e-4, 1e-1], log: true}, or give a fixed value in its section."


def _when(conditions: object) -> When:
    if not isinstance(conditions, Mapping) or not conditions:
        raise ValueError(
            f"when must be a mapping of a searched path to its value, got {shown(conditions)}. "
            "Write {model.init_args.optimizer: sgd}."
        )
    when = []
    for path, values in conditions.items():
        listed = values if isinstance(values, list) else [values]
        if not listed or any(isinstance(value, list | dict) for value in listed):
            raise ValueError(
                f"when takes a value or a list of values for {path}, got {shown(values)}. "
                "Name plain values."
            )
        when.append((str(path), tuple(listed)))
    return tuple(when)


def _options(options: Mapping[Any, Any]) -> Categorical:
    for name, option in options.items():
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][\w-]*", name):
            raise ValueError(
                f"the name of an option must be a word, got {shown(name)}. Write mlp or conv_2."
            )
        if not isinstance(option, Mapping) or set(option) != {"value"}:
            raise ValueError(
                f"option {name} must be {{value: ..., space: {{...}}}}, got {shown(option)}. "
                "Put what stands in the configuration under value."
            )
    if len(options) < 2:
        raise ValueError(f"choice needs two options or more, got {shown(list(options))}. Add one.")
    return Categorical(tuple(options), subtrees=tuple(each["value"] for each in options.values()))


def _choice(values: object) -> Categorical:
    if isinstance(values, Mapping):
        return _options(values)
    if not isinstance(values, list):
        raise ValueError(f"choice must be a list, got {shown(values)}. Write [a, b].")
    for value in values:
        match value:
            case float() if not math.isfinite(value):
                raise ValueError(f"choice takes finite numbers, got {shown(value)}. Remove it.")
            case None | bool() | int() | float() | str():
                continue
        raise ValueError(
            f"choice takes numbers, words, true, false or null, got {shown(value)}. "
            "Search a plain value."
        )
    # 1, 1.0 and true are equal to Python and to the database
    if len(set(values)) < len(values):
        raise ValueError(f"choice must not repeat a value, got {shown(values)}. Remove one.")
    if len(values) < 2:
        raise ValueError(f"choice needs two values or more, got {shown(values)}. Add one.")
    return Categorical(tuple(values))


def _range(kind: str, tree: Mapping[str, Any]) -> FloatRange | IntRange:
    low, high = _ends(kind, tree[kind])
    log, step = tree.get("log", False), tree.get("step")
    if not isinstance(log, bool):
        raise ValueError(f"log must be true or false, got {shown(log)}. Write log: true.")
    if step is not None:
        _check_step(kind, step, high - low)
    if log and step not in (None, 1 if kind == "int" else None):
        raise ValueError("log and step exclude each other, got both. Drop one.")
    if log and low <= 0:
        raise ValueError(f"log needs a low above 0, got low={low}. Raise it or drop log.")
    if kind == "float":
        return FloatRange(float(low), float(high), log, None if step is None else float(step))
    return IntRange(low, high, log, step or 1)


def _ends(kind: str, ends: object) -> list[Any]:
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
    # Optuna computes with the width
    if not math.isfinite(float(high) - float(low)):
        raise ValueError(
            f"high - low must be at most {sys.float_info.max:.2g}, got low={low}, high={high}. "
            "Narrow the range."
        )
    return ends


def _check_step(kind: str, step: Any, width: float) -> None:
    _check_number(kind, step)
    if step <= 0 or step > width:
        raise ValueError(
            f"step must be above 0 and no more than high - low, got {shown(step)}. "
            f"Write a step up to {shown(width)}, or leave it out."
        )
    if width / step > _EXACT:
        raise ValueError(
            f"step must make no more than {_EXACT:.16g} steps, got {shown(step)}. Raise it, or "
            "leave it out."
        )


def _check_number(kind: str, value: object) -> None:
    is_of_kind = kind == "float" or type(value) is int
    if not is_number(value) or not is_of_kind:
        rule = "whole numbers" if kind == "int" else "numbers"
        remedy = "Write float for numbers with a point." if isinstance(value, float) else _NUMBERS
        raise ValueError(f"{kind} takes {rule}, got {shown(value)}. {remedy}")
    if isinstance(value, float) and not math.isfinite(value):
        remedy = "Write the largest or smallest value that you would try."
        raise ValueError(f"{kind} takes finite numbers, got {shown(value)}. {remedy}")
    largest = _EXACT if kind == "int" else sys.float_info.max
    if abs(value) > largest:
        raise ValueError(
            f"{kind} takes numbers up to {largest}, the largest that is held exactly, got "
            f"{shown(value)}. Use a smaller one, and scale it where it is used."
        )
