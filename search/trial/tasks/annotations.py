"""Ranges out of the annotations of the user's own classes."""

from __future__ import annotations

import typing
from collections.abc import Iterator

from search.answers import AnnotatedRanges
from search.errors import UserError
from search.plain.tree import Tree, class_places
from search.space.distributions import Distribution
from search.study_file.trial_config import LightningSections
from search.trial.building.importing import import_name
from search.trial.building.signatures import parameters


def annotated_ranges(sections: LightningSections) -> AnnotatedRanges:
    """The ranges of every annotated argument of every class in a configuration.

    Problems are returned, never raised.
    """
    try:
        return AnnotatedRanges(ranges=dict(_ranges(sections.lightning_tree())))
    except UserError as error:
        return AnnotatedRanges(problems=(str(error),))


def _ranges(tree: Tree) -> Iterator[tuple[str, Tree]]:
    for place, path in class_places(tree):
        named = import_name(path, f"{place}.class_path")
        for name, distribution in _annotated(named):
            yield f"{place}.{name}", distribution.to_tree()


def _annotated(named: object) -> Iterator[tuple[str, Distribution]]:
    """Annotated parameters: the key beside the class_path, and the range."""
    for parameter in parameters(named).values():
        if (distribution := range_in(parameter.annotation)) is not None:
            yield f"{parameter.key}.{parameter.name}", distribution


def range_in(annotation: object) -> Distribution | None:
    """The range that an annotation brings along."""
    for part in (annotation, *typing.get_args(annotation)):
        for extra in getattr(part, "__metadata__", ()):
            if isinstance(extra, Distribution):
                return extra
    return None
