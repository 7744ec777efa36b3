"""Points that a user enqueues, whole or in part: read and checked against the space."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from search.plain.equality import is_number
from search.plain.wording import did_you_mean
from search.plain.yaml import shown
from search.space.distributions import Categorical, Distribution, IntRange, Params, is_same
from search.space.points import DRAWS, Points
from search.space.spelling import Spelling

_SEED = "fixed points"


def point_of(points: Points, given: Mapping[str, Any]) -> tuple[Params, str | None]:
    """An enqueued point by full paths, and its problem: `PATH: rule. Remedy.` or `rule.`"""
    spell = Spelling(points.space, points.sections)
    params = {spell(str(path)): value for path, value in given.items()}
    if len(params) < len(given):
        return params, "names a path twice. Keep one of them."
    if not params:
        return params, "names no value. Write PATH: VALUE."
    for path, value in params.items():
        distribution = points.space.get(path)
        if distribution is None:
            return params, f"{path}: is not searched. {did_you_mean(path, list(points.space))}"
        if not distribution.contains(value):
            rule = f"must be {distribution.in_words}, got {shown(value)}."
            return params, f"{path}: {rule} {_nearest_value(distribution, value)}"
        if problem := _absence(distribution, params):
            return params, f"{path}: {problem}"
        params[path] = distribution.coerce(value)
    return params, _invalidity(points, params)


def _invalidity(points: Points, params: Params) -> str | None:
    """The constraint that the point violates, or that no completion of it can keep."""
    completed = points.low_ends(params)
    if completed.keys() == params.keys() and (text := points.violation(params)) is not None:
        return f"violates {text}. Change a value so that it holds."
    for constraint in points.constraints:
        if all(path in params for path in constraint.paths):
            alone = Points(points.space, (constraint,))
            if (text := alone.violation(params)) is not None:
                return f"violates {text}. Change a value so that it holds."
    if points.random_point(params, _SEED) is None:
        return (
            f"violates a constraint in each of {DRAWS:,} completions. Give fewer values, or others."
        )
    return None


def _nearest_value(distribution: Distribution, value: object) -> str:
    """The remedy for a value that is outside."""
    if isinstance(distribution, Categorical):
        return did_you_mean(shown(value), [shown(each) for each in distribution.values])
    if not is_number(value) or not math.isfinite(value):
        return f"Write {shown(distribution.low)}, or another number of that range."
    inside = min(max(value, distribution.low), distribution.high)
    if isinstance(distribution, IntRange):
        inside = round(inside)
    if not distribution.contains(inside):
        return f"Write {shown(distribution.low)}, or another step from there."
    if inside == value:
        return f"Write {shown(inside)}."
    return f"Write {shown(inside)}, or widen the range in space."


def _absence(distribution: Distribution, params: Params) -> str | None:
    """The condition under which the parameter exists, where the point does not meet it."""
    for path, values in distribution.when:
        where = f"exists only where {path} is {' or '.join(shown(value) for value in values)}"
        if path not in params:
            return f"{where}. Give that too."
        if not any(is_same(params[path], value) for value in values):
            return f"{where}, got {shown(params[path])}. Remove it."
    return None


def first_point_problems(given: Sequence[Mapping[str, object]], points: Points) -> Iterator[str]:
    """A line for each point of `enqueue` that no trial can have."""
    for index, point in enumerate(given):
        _, problem = point_of(points, point)
        if problem is not None:
            separator = "." if problem.split(":")[0] in points.space else ": "
            yield f"enqueue.{index}{separator}{problem}"
