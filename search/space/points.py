"""The points of a space: which parameters a trial has, what follows from them, which are valid.

A point is what one trial samples: path -> value, with the conditional parameters only where their
conditions hold. It is valid where every constraint holds and every derived value can be computed.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any

from search.plain.tree import ARGUMENTS, lookup_path, write_path
from search.space.distributions import (
    OPTION,
    Categorical,
    Distribution,
    Params,
    Scalar,
    Space,
    config_path,
)
from search.space.expressions import Expression, Incomputable, Missing

# random points tried before the constraints are said to leave nothing
DRAWS = 2_000
_LISTED = 1_000_000


@dataclass(frozen=True)
class Points:
    """The points of a space.

    space: the searched paths.
    constraints: conditions that every valid point keeps.
    derive: the expression of each derived path.
    sections: the sections of the configuration that the parameters are laid over.
    found: values by path that are neither the file's nor sampled, such as a probed micro-batch.
    """

    space: Space
    constraints: tuple[Expression, ...] = ()
    derive: Mapping[str, Expression] = field(default_factory=dict)
    sections: Mapping[str, object] = field(default_factory=dict)
    found: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def ordered(self) -> Space:
        """The space with each parameter after those that its conditions name."""
        return in_order(self.space)

    @property
    def is_plain(self) -> bool:
        """Tell whether every combination of values is a valid point."""
        return not (self.constraints or self.derive or self.conditional)

    @cached_property
    def conditional(self) -> tuple[str, ...]:
        """The paths that not every trial has, parents first."""
        return tuple(path for path, each in self.ordered.items() if each.when)

    def config(self, params: Params) -> dict[str, Any]:
        """The sections with a point and what derives from it laid over them."""
        config = self.sections_with(params)
        for path, value in self.derived(params).items():
            write_path(config, config_path(path), value)
        return config

    def derived(self, params: Params) -> Params:
        """The derived values of a point; one that derives from a parameter it lacks is left out.

        Raises:
            Incomputable: one cannot be computed.
        """
        return _Facts(self, params).all_derived()

    def violation(self, params: Params) -> str | None:
        """The first constraint that a point violates, or what cannot be computed; None where it is
        valid. A constraint on a parameter that the point lacks holds."""
        facts = _Facts(self, params)
        try:
            facts.all_derived()
        except Incomputable as error:
            return f"derive: {error}"
        for constraint in self.constraints:
            try:
                if constraint.value(facts.value) is not True:
                    return constraint.text
            except Missing:
                continue
            except Incomputable as error:
                return f"{constraint.text} ({error})"
        return None

    def sections_with(self, params: Params) -> dict[str, Any]:
        """The sections with a point laid over them, without what derives from it."""
        config = copy.deepcopy(dict(self.sections))
        # a subtree first, then what is searched inside it
        for path in sorted(params, key=lambda path: path.count(".")):
            value: object = params[path]
            distribution = self.space.get(path)
            if isinstance(distribution, Categorical):
                value = copy.deepcopy(distribution.written(params[path]))
            _lay(config, config_path(path), value)
        for path, value in self.found.items():
            write_path(config, path, value)
        return config

    def complete(self, fixed: Params, value: Callable[[Distribution], Scalar]) -> Params:
        """A point that has the values of `fixed` and elsewhere those of `value`."""
        params: Params = {}
        for path, distribution in self.ordered.items():
            if distribution.is_active(params):
                params[path] = fixed[path] if path in fixed else value(distribution)
        return params

    def low_ends(self, fixed: Params) -> Params:
        """A point that has the values of `fixed`, and elsewhere the low ends."""
        return self.complete(fixed, lambda distribution: distribution.low_end)

    def random_point(self, fixed: Params, seed: str) -> Params | None:
        """A random valid point that has the values of `fixed`; None where none was found."""
        random = Random(seed)
        for _ in range(DRAWS):
            params = self.complete(fixed, lambda distribution: distribution.draw(random))
            if fixed.keys() <= params.keys() and self.violation(params) is None:
                return params
        return None

    def valid_or_random(self, params: Params, fixed: Params, seed: str) -> Params | None:
        """The point if it is valid, else a random valid one that has the values of `fixed`; None
        where none was found."""
        if self.violation(params) is None:
            return params
        return self.random_point(fixed, seed)

    def valid_points(self) -> list[Params]:
        """Every valid point.

        Raises:
            ValueError: a range has no steps, or there are too many points.
        """
        found = []
        for count, params in enumerate(self._combinations(list(self.ordered), {}), 1):
            if count > _LISTED:
                raise ValueError(f"has more than {_LISTED:,} combinations. Use sampler: random.")
            if self.violation(params) is None:
                found.append(params)
        return found

    def _combinations(self, paths: list[str], params: Params) -> Iterator[Params]:
        if not paths:
            yield dict(params)
            return
        path, *rest = paths
        distribution = self.space[path]
        if not distribution.is_active(params):
            yield from self._combinations(rest, params)
            return
        values = distribution.all_values()
        if values is None:
            raise ValueError(f"{path} has a range without steps")
        for value in values:
            yield from self._combinations(rest, {**params, path: value})


def _lay(config: dict[str, Any], path: str, value: object) -> None:
    """Write a value; an option that is a mapping is several arguments of a script at once."""
    if path.startswith(f"{ARGUMENTS}.") and isinstance(value, Mapping):
        config[ARGUMENTS] |= value
    else:
        write_path(config, path, value)


class _Facts:
    """The values of paths at one point, for expressions; each is computed once."""

    def __init__(self, points: Points, params: Params) -> None:
        self._points = points
        self._params = params
        self._derived: dict[str, Any] = {}
        self._config: dict[str, object] | None = None

    def all_derived(self) -> Params:
        derived: Params = {}
        for path in self._points.derive:
            if has_options(path, self._params):
                try:
                    derived[path] = self.value(path)
                except Missing:
                    continue
                except Incomputable as error:
                    raise Incomputable(f"{path}: {error}") from error
        return derived

    def value(self, path: str) -> Any:
        # what is sampled may be scaled by what is found
        if (place := config_path(path)) in self._points.found:
            return self._points.found[place]
        if path in self._params:
            return self._params[path]
        if path in self._derived:
            return self._derived[path]
        if path in self._points.derive:
            value = self._points.derive[path].value(self.value)
            if isinstance(value, list):
                raise Incomputable("a list is no single value")
            self._derived[path] = value
            return value
        if not has_options(path, self._params):
            raise Missing(path)
        # laying the sections costs most, and few expressions look at a path that is not searched
        if self._config is None:
            self._config = self._points.sections_with(self._params)
        try:
            return lookup_path(self._config, config_path(path))
        except KeyError as error:
            raise Missing(path) from error


def has_options(path: str, params: Params) -> bool:
    """Tell whether a point has chosen the options that the path names in brackets."""
    return all(params.get(path[: match.start()]) == match[1] for match in OPTION.finditer(path))


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
