"""Ranges out of the annotations of the user's own classes."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from search.answers import AnnotatedRanges
from search.errors import UserError
from search.space.distributions import Distribution
from search.trial.building.importing import import_name
from search.trial.building.signatures import parameters


def annotated_ranges(config: Mapping[str, Any]) -> AnnotatedRanges:
    """The ranges of every annotated argument of every class in a configuration.

    Problems are returned, never raised.
    """
    try:
        return AnnotatedRanges(ranges=dict(_ranges(config, "")))
    except UserError as error:
        return AnnotatedRanges(problems=(str(error),))


def _ranges(tree: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, Mapping) and isinstance(tree.get("class_path"), str):
        named = import_name(tree["class_path"], f"{place}.class_path")
        for name, distribution in _annotated(named):
            yield f"{place}.{name}", distribution.to_tree()
    inside: Iterable[tuple[Any, Any]] = ()
    if isinstance(tree, Mapping):
        inside = tree.items()
    elif isinstance(tree, list):
        inside = enumerate(tree)
    for key, value in inside:
        yield from _ranges(value, f"{place}.{key}" if place else str(key))


def _annotated(named: Any) -> Iterator[tuple[str, Distribution]]:
    """Annotated parameters: the key beside the class_path, and the range."""
    for parameter in parameters(named).values():
        if (distribution := range_in(parameter.annotation)) is not None:
            yield f"{parameter.key}.{parameter.name}", distribution


def range_in(annotation: Any) -> Distribution | None:
    """The range that an annotation brings along."""
    for part in (annotation, *typing.get_args(annotation)):
        for extra in getattr(part, "__metadata__", ()):
            if isinstance(extra, Distribution):
                return extra
    return None
