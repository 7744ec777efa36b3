"""Priors without a center: the value that the configuration itself has is the one believed best.

Works on the mapping of full paths that a user wrote, before it is checked, so that the study file
which a study keeps names every center; what is misspelt is left for the check.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search.plain.equality import is_equal
from search.plain.tree import as_mapping, lookup_path
from search.plain.yaml import shown
from search.space.distributions import Hinted, config_path
from search.space.notation import parse_distribution
from search.space.priors import SPREADS

_NOTHING = object()


def with_centers(
    space: Mapping[str, object], sections: Mapping[str, object]
) -> tuple[dict[str, object], list[str]]:
    """The space with a center in each of its priors, and a line for each that has none to take.

    `prior: high` is short for `prior: {confidence: high}`.
    """
    full: dict[str, object] = {}
    problems: list[str] = []
    for path, tree in space.items():
        full[path] = tree
        prior = as_mapping(tree).get("prior")
        if isinstance(prior, str) and prior in SPREADS:
            prior = {"confidence": prior}
        if not isinstance(tree, Mapping) or not isinstance(prior, Mapping):
            continue
        if prior.keys() <= {"confidence"}:
            value = _own_value(path, space, sections)
            problem = _problem(path, tree, value)
            if problem is not None:
                problems.append(f"space.{path}: prior: {problem}")
                # told once
                full[path] = _without_prior(tree)
                continue
            prior = {"center": _name_of(tree, value), **prior}
        full[path] = {**tree, "prior": prior}
    return full, problems


def _own_value(path: str, space: Mapping[str, object], sections: Mapping[str, object]) -> object:
    """The value at a path; of one inside an option, that of the option."""
    choice_and_option, bracket, inside = path.rpartition("].")
    try:
        if not bracket:
            return lookup_path(sections, config_path(path))
        choice, _, option = choice_and_option.rpartition("[")
        options = as_mapping(as_mapping(space.get(choice)).get("choice"))
        return lookup_path(as_mapping(options.get(option)).get("value"), inside)
    except KeyError:
        return _NOTHING


def _problem(path: str, tree: Mapping[str, object], value: object) -> str | None:
    """Why the value cannot be the center; None where it can, or the range itself is wrong."""
    if value is _NOTHING:
        return (
            f"has no center, and the study file no value of {config_path(path)}. "
            "Write center: VALUE, or that value in its section."
        )
    try:
        distribution = parse_distribution(_without_prior(tree))
    except ValueError:
        return None
    if isinstance(distribution, Hinted) or distribution.contains(_name_of(tree, value)):
        return None
    return (
        "has no center, and the study file's own value must be "
        f"{distribution.in_words}, got {shown(value)}. Write center: VALUE."
    )


def _without_prior(tree: Mapping[str, object]) -> dict[str, object]:
    return {key: each for key, each in tree.items() if key != "prior"}


def _name_of(tree: Mapping[str, Any], value: object) -> object:
    """The value; where it is what an option of a choice stands for, the option's name."""
    options = tree.get("choice")
    if not isinstance(options, Mapping):
        return value
    names = (
        name for name, each in options.items() if is_equal(as_mapping(each).get("value"), value)
    )
    return next(names, value)
