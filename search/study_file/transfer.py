"""Trials of a study that a child study would have trained in just the same way.

A trial fits if the configuration that the parent gave it is the one that the child would give to
the same values: what the child searches lies in its range, what it no longer searches has its
fixed value, everything else is equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from search.errors import UserError
from search.plain.equality import is_equal
from search.plain.tree import is_index, parts_of, read_path, write_path
from search.plain.yaml import shown
from search.space.distributions import (
    OPTION,
    Categorical,
    Distribution,
    FloatRange,
    Params,
    config_path,
)
from search.space.points import Points, in_order
from search.study_file.differences import MAY_CHANGE, compare, sections
from search.study_file.rules import resolve_config
from search.study_file.schema import StudyFile

# judged trial by trial, or without effect on how a trial is trained; all else counts
_NOT_TRAINED = (
    "name",
    "seed",
    "seed_everything",
    "space",
    "constraints",
    "enqueue",
    "baseline",
    "warm_start",
    "sampler",
    *MAY_CHANGE,
)


@dataclass(frozen=True)
class Fitting:
    """A parent study and its child.

    parent: the study file of the study that exists.
    child: the study file of the one that takes trials over.
    was: the values, by path, of what the child searches and the parent left to a class's default.
    """

    parent: StudyFile
    child: StudyFile
    was: Mapping[str, object] = field(default_factory=dict)

    @cached_property
    def differences(self) -> list[str]:
        """A line for each value outside the searched paths for which no trial of the parent fits
        the child."""
        paths = {*self.parent.space, *self.child.space}
        old, new = (
            _without(study_file.to_tree(), paths) for study_file in (self.parent, self.child)
        )
        keys = sections((self.parent, self.child), without=_NOT_TRAINED)
        lines = list(compare(old, new, keys))
        if "seed_everything" not in paths:
            seeds = [{"seed": each.trial_seed} for each in (self.parent, self.child)]
            lines += compare(seeds[0], seeds[1], ("seed",))
        return lines

    @cached_property
    def unstated(self) -> list[str]:
        """A line for each searched path whose value is not known on the other side."""
        before = self._before
        lines = [
            f"{path}: is searched now, and the study file of {self.parent.name} does not say what "
            f"it was. Say it with --was {path}=VALUE"
            for path in self.child.space
            if path not in self.parent.space and not _is_stated(before, path)
        ]
        lines += [
            f"{path}: was searched, and the new study file does not say what it is. "
            f"Say it with --set {path}=VALUE"
            for path in self._fixed
            if not _is_stated(self._after, path)
        ]
        return lines

    def params(self, params: Params) -> dict[str, Any]:
        """The parameters that the child has for a trial of the parent that fits."""
        values = ((path, self._value(path, params)) for path in self._existing(params))
        return {path: self.child.space[path].coerce(value) for path, value in values}

    def misfits(self, params: Params) -> list[str]:
        """The reasons why a trial of the parent does not fit; none if it does."""
        return (
            self._values_outside(params)
            or self._violations(params)
            or self._other_configuration(params)
        )

    def _values_outside(self, params: Params) -> list[str]:
        existing = self._existing(params)
        reasons = [
            f"{path} is outside {shown(self.child.space[path].to_tree())}"
            for path in existing
            if not self._holds(path, self._value(path, params))
        ]
        for path in self._fixed:
            fixed = read_path(self._after, path)
            if path in params and not self._is_same(path, params[path], fixed):
                reasons.append(f"{path} is not {shown(fixed)}")
        return reasons

    def _holds(self, path: str, value: object) -> bool:
        distribution: Distribution = self.child.space[path]
        if not isinstance(distribution, Categorical):
            return distribution.contains(value)
        return any(self._is_same(path, value, each) for each in distribution.values)

    def _is_same(self, path: str, value: object, other: object) -> bool:
        """Tell whether a value of the parent is `other`; a range of floats makes 1 a 1.0 anyway."""
        is_float = isinstance(self.parent.space.get(path), FloatRange)
        return is_equal(value, other, typed=not is_float)

    def _violations(self, params: Params) -> list[str]:
        violated = self._points.violation(self.params(params))
        return [] if violated is None else [f"violates {violated}"]

    def _other_configuration(self, params: Params) -> list[str]:
        """A line for each difference of the configurations although every value is in its range:
        in what an option stands for, a condition leaves out, or derives from the rest."""
        mine = self.params(params)
        old = resolve_config(self.parent, params)
        new = resolve_config(self.child, mine)
        for path, value in self.was.items():
            if path in mine:
                write_path(old, config_path(path), value)
        reasons = []
        for path in sorted(params.keys() | mine.keys(), key=lambda path: path.count(".")):
            place = config_path(path)
            if _holds_subtree(self.parent.space.get(path)) or not _is_stated(old, place):
                continue
            value = read_path(old, place)
            if path in mine:
                # in its range, and only spelt otherwise
                if _is_stated(new, place) and not _holds_subtree(self.child.space[path]):
                    write_path(new, place, value)
            elif not is_equal(value, read_path(new, place)) and path in self.child.space:
                reasons.append(f"{path} would not be searched in it")
        return reasons or list(compare(old, new, dict.fromkeys((*old, *new))))

    def _existing(self, params: Params) -> list[str]:
        """The paths that the child searches in a trial: those whose conditions hold."""
        known: dict[str, Any] = {}
        for path, distribution in in_order(self.child.space).items():
            if distribution.is_active(known):
                known[path] = self._value(path, params)
        return [path for path in self.child.space if path in known]

    def _value(self, path: str, params: Params) -> object:
        return params[path] if path in params else read_path(self._before, path)

    @cached_property
    def _fixed(self) -> list[str]:
        """The paths that were searched and are fixed now; those inside an option belong to it."""
        return [
            path
            for path in self.parent.space
            if path not in self.child.space and not OPTION.search(path)
        ]

    @cached_property
    def _points(self) -> Points:
        return self.child.points

    @cached_property
    def _before(self) -> dict[str, object]:
        tree = self.parent.to_tree()
        for path, value in self.was.items():
            if path not in self.child.space or path in self.parent.space or _is_stated(tree, path):
                raise UserError(
                    f"--was {path}: says what is searched now and what the study file of "
                    f"{self.parent.name} left open, which this is not. Leave it out."
                )
            write_path(tree, path, value)
        return tree

    @cached_property
    def _after(self) -> dict[str, object]:
        return self.child.to_tree()


def _holds_subtree(distribution: Distribution | None) -> bool:
    return isinstance(distribution, Categorical) and distribution.subtrees is not None


def _is_stated(tree: Mapping[str, object], path: str) -> bool:
    *parents, last = parts_of(path)
    place = read_path(tree, ".".join(parents)) if parents else tree
    return last in place if isinstance(place, Mapping) else read_path(tree, path) is not None


def _without(tree: dict[str, object], paths: Iterable[str]) -> dict[str, object]:
    """The tree without what is at the paths, nor the mappings that this leaves empty."""
    for path in paths:
        _remove(tree, parts_of(path))
    return tree


def _remove(tree: object, parts: list[str]) -> None:
    first, *rest = parts
    match tree:
        case list() if is_index(first, tree):
            if rest:
                _remove(tree[int(first)], rest)
            else:
                tree[int(first)] = None
        case dict() if first in tree:
            if rest:
                _remove(tree[first], rest)
            if not rest or tree[first] in ({}, None):
                del tree[first]
