"""From a space with spaces inside its choices to one flat mapping of paths.

Works on what the user wrote, before it is checked; what is misspelt is left for the check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from search.plain.tree import CLASS_KEYS, as_mapping
from search.space.distributions import OPTION

Spell = Callable[[str], str]


def in_class(path: str) -> str:
    """`width` as `init_args.width`, inside what has a class_path; a full path as it is."""
    return path if path.partition(".")[0] in CLASS_KEYS else f"init_args.{path}"


def flatten(space: Mapping[object, object], full: Spell) -> Iterator[tuple[str, str, object]]:
    """Each parameter of a space: its path as it is written, by its full spelling, and its tree.

    Parameters inside an option come after its choice, as `path[option].rest`, and with the
    condition that the option is chosen.

    Args:
        full: the full spelling of a path.
    """
    for key, tree in space.items():
        yield from _parameter(str(key), full(str(key)), tree, full)


def _parameter(
    written: str, path: str, tree: object, full: Spell
) -> Iterator[tuple[str, str, object]]:
    if not isinstance(tree, Mapping):
        yield written, path, tree
        return
    own = dict(tree)
    if conditions := _conditions(path, own.get("when", {}), full):
        own["when"] = conditions
    # the choice keeps the values of its options; what they search becomes parameters of their own
    options = own.get("choice")
    nested: list[tuple[str, Mapping[object, object]]] = []
    if isinstance(options, Mapping):
        nested = [(str(name), each) for name, each in options.items() if _has_space(each)]
        own["choice"] = {name: _without_space(each) for name, each in options.items()}
    yield written, path, own
    for name, option in nested:
        yield from _option(f"{path}[{name}]", option, full)


def _option(
    place: str, option: Mapping[Any, Any], full: Spell
) -> Iterator[tuple[str, str, object]]:
    value = option.get("value")
    is_class = "class_path" in as_mapping(value)

    def inside(key: object) -> str:
        return f"{place}.{in_class(str(key)) if is_class else key}"

    for key, tree in option["space"].items():
        own = tree
        if conditions := as_mapping(as_mapping(tree).get("when")):
            # a condition on a neighbour is written as the neighbour is
            when = {
                inside(path) if path in option["space"] else path: values
                for path, values in conditions.items()
            }
            own = {**tree, "when": when}
        yield from _parameter(inside(key), inside(key), own, full)


def _conditions(path: str, given: object, full: Spell) -> object:
    if not isinstance(given, Mapping):
        return given
    chosen = {path[: match.start()]: match[1] for match in OPTION.finditer(path)}
    return {**{full(str(key)): values for key, values in given.items()}, **chosen}


def _has_space(option: object) -> bool:
    return isinstance(as_mapping(option).get("space"), Mapping)


def _without_space(option: Any) -> object:
    if not _has_space(option):
        return option
    return {key: value for key, value in option.items() if key != "space"}
