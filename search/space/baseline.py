"""The point that a configuration itself has: its own values of what is searched."""

from __future__ import annotations

from collections.abc import Mapping

from search.plain.equality import is_equal
from search.plain.tree import lookup_path
from search.space.distributions import Categorical, Distribution, Params, Scalar, config_path
from search.space.points import DRAWS, Points

# every configuration has one, and nobody chose it for its value
_SEED_PATH = "seed_everything"
_SEED = "baseline"
_NOTHING = object()


def baseline_of(points: Points, defaults: Mapping[str, object]) -> Params:
    """The values that the sections have for searched paths, each where its range contains it.

    Args:
        defaults: the values of paths where the sections have none.

    A path is left out that has no such value, or exists only under conditions that are not known
    to hold; and all are where no valid point has them.
    """
    params: Params = {}
    for path, distribution in points.ordered.items():
        if path == _SEED_PATH or not distribution.is_active(params):
            continue
        value = _value_at(points.sections_with(params), path, defaults)
        found = _NOTHING if value is _NOTHING else _contained(distribution, value)
        if found is not _NOTHING:
            params[path] = found  # type: ignore[assignment]
    if params and points.random_point(params, f"{_SEED} of {DRAWS}") is None:
        return {}
    return params


def _value_at(config: object, path: str, defaults: Mapping[str, object]) -> object:
    try:
        return lookup_path(config, config_path(path))
    except KeyError:
        return defaults.get(path, _NOTHING)


def _contained(distribution: Distribution, value: object) -> Scalar | object:
    """The value as the distribution has it; of a choice between subtrees, the name of the option
    that is the value."""
    if isinstance(distribution, Categorical) and distribution.subtrees is not None:
        options = zip(distribution.values, distribution.subtrees, strict=True)
        return next((name for name, subtree in options if is_equal(subtree, value)), _NOTHING)
    if not distribution.contains(value):
        return _NOTHING
    return distribution.coerce(value)  # type: ignore[arg-type]
