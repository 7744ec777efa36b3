"""Which trials of a study a child study would have trained in just the same way.

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
from search.study.changes import compare
from search.study.file import StudyFile
from search.study.resolve import read_path, write_path
from search.study.space import Choice, Distribution, FloatRange, IntRange, is_active
from search.study.space_parser import distribution_tree
from search.study.yaml_loader import shown

_TRAINED = (
    "model",
    "data",
    "trainer",
    "batch",
    "objective",
    "objectives",
    "prune_on",
    "outcome_constraints",
    "derive",
)


@dataclass(frozen=True)
class Fitting:
    """A parent study and its child.

    `was` says by path what the child searches and the parent's study file does not name, because
    the class has a default for it.
    """

    parent: StudyFile
    child: StudyFile
    was: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def differences(self) -> list[str]:
        """A line for each value outside the searched paths for which no trial of the parent fits
        the child."""
        paths = {*self.parent.space, *self.child.space}
        old, new = (
            _without(study_file.to_tree(), paths) for study_file in (self.parent, self.child)
        )
        lines = list(compare(old, new, _TRAINED))
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
            for path in self.parent.space
            if path not in self.child.space and not _is_stated(self._after, path)
        ]
        return lines

    def params(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters that the child has for a trial of the parent that fits."""
        return {
            path: _spelt(distribution, self._value(path, params))
            for path, distribution in self._existing(params)
        }

    def misfits(self, params: Mapping[str, Any]) -> list[str]:
        """Why a trial of the parent does not fit; nothing if it does."""
        reasons = [
            f"{path} is outside {shown(distribution_tree(distribution))}"
            for path, distribution in self._existing(params)
            if not holds(distribution, self._value(path, params))
        ]
        for path in self.parent.space:
            fixed = read_path(self._after, path)
            if path not in self.child.space and not _is_same(params.get(path), fixed):
                reasons.append(f"{path} is not {shown(fixed)}")
        return reasons

    def _existing(self, params: Mapping[str, Any]) -> list[tuple[str, Distribution]]:
        """What the child searches in a trial, without what its conditions leave out."""
        known = {path: self._value(path, params) for path in self.child.space}
        return [each for each in self.child.space.items() if is_active(each[1], known)]

    def _value(self, path: str, params: Mapping[str, Any]) -> Any:
        return params[path] if path in params else read_path(self._before, path)

    @cached_property
    def _before(self) -> dict[str, Any]:
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
    def _after(self) -> dict[str, Any]:
        return self.child.to_tree()


def holds(distribution: Distribution, value: Any) -> bool:
    """Whether a distribution can give the value."""
    if isinstance(distribution, Choice):
        return any(_is_same(value, each) for each in distribution.values)
    wanted = int if isinstance(distribution, IntRange) else int | float
    if isinstance(value, bool) or not isinstance(value, wanted):
        return False
    if not distribution.low <= value <= distribution.high:
        return False
    steps = (value - distribution.low) / (distribution.step or 1)
    return distribution.step is None or abs(steps - round(steps)) < 1e-8


def _spelt(distribution: Distribution, value: Any) -> Any:
    """The value as the distribution spells it."""
    if isinstance(distribution, Choice):
        return next(each for each in distribution.values if _is_same(value, each))
    return float(value) if isinstance(distribution, FloatRange) else value


def _is_same(value: Any, other: Any) -> bool:
    # 1 and true are equal to Python
    return isinstance(value, bool) == isinstance(other, bool) and bool(value == other)


def _is_stated(tree: Mapping[str, Any], path: str) -> bool:
    parent, _, last = path.rpartition(".")
    place = read_path(tree, parent) if parent else tree
    return last in place if isinstance(place, Mapping) else read_path(tree, path) is not None


def _without(tree: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """The tree without what is at the paths, nor the mappings that this leaves empty."""
    for path in paths:
        _remove(tree, path.split("."))
    return tree


def _remove(tree: Any, parts: list[str]) -> None:
    first, *rest = parts
    if isinstance(tree, list) and first.isdigit() and int(first) < len(tree):
        if rest:
            _remove(tree[int(first)], rest)
        else:
            tree[int(first)] = None
    elif isinstance(tree, dict) and first in tree:
        if rest:
            _remove(tree[first], rest)
        if not rest or tree[first] in ({}, None):
            del tree[first]
