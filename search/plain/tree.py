"""Trees of mappings and lists: values by dotted path, and the classes that they name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# the keys of a mapping that names a class; a short path leaves out those of its arguments
ARGUMENT_KEYS = ("init_args", "dict_kwargs")
CLASS_KEYS = ("class_path", *ARGUMENT_KEYS)
# the section of a script's arguments, whose names have dots and hyphens of their own
ARGUMENTS = "arguments"
# a mapping of plain data, as it is read from YAML or JSON
Tree = dict[str, Any]


def parts_of(path: str) -> list[str]:
    """The keys on the way to a dotted path; the name of a script's argument is a single one."""
    section, _, rest = path.partition(".")
    return [section, rest] if section == ARGUMENTS and rest else path.split(".")


def lookup_path(tree: object, path: str) -> Any:
    """The value at a dotted path, which may be None; numbers index lists.

    Raises:
        KeyError: there is nothing.
    """
    for part in parts_of(path):
        match tree:
            case Mapping():
                tree = tree[part]
            case list() if is_index(part, tree):
                tree = tree[int(part)]
            case _:
                raise KeyError(path)
    return tree


def read_path(tree: object, path: str) -> Any:
    """The value at a dotted path; None where there is nothing."""
    try:
        return lookup_path(tree, path)
    except KeyError:
        return None


def write_path(tree: Tree, path: str, value: object) -> None:
    """Set the value at a dotted path, making the mappings on the way.

    Raises:
        KeyError: the path leads through a value that is no mapping, or beyond the end of a list.
    """
    *parents, last = parts_of(path)
    parent: object = tree
    for index, part in enumerate(parents):
        match parent:
            case dict():
                if parent.get(part) is None:
                    parent[part] = {}
                parent = parent[part]
            case list() if is_index(part, parent):
                parent = parent[int(part)]
            case _:
                raise KeyError(".".join(parents[:index]))
    match parent:
        case dict():
            parent[last] = value
        case list() if is_index(last, parent):
            parent[int(last)] = value
        case _:
            raise KeyError(".".join(parents))


def is_index(part: str, values: list[Any]) -> bool:
    """Tell whether a part of a path is the place of a value in a list."""
    return part.isdigit() and int(part) < len(values)


def items_of(tree: object) -> Iterable[tuple[object, object]]:
    """The keys and values of a mapping, the places and values of a list, and of all else none."""
    match tree:
        case Mapping():
            return tree.items()
        case list() | tuple():
            return enumerate(tree)
    return ()


def as_mapping(value: object) -> Mapping[Any, Any]:
    """The value where it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_list(value: object) -> list[Any]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def class_paths(tree: object) -> Iterator[str]:
    """Every class_path in a tree of mappings and lists, however deep, and the function that a
    study file names in the place of classes."""
    yield from (path for _, path in class_places(tree))
    if isinstance(function := read_path(tree, "script.build"), str):
        yield function


def class_places(tree: object, place: str = "") -> Iterator[tuple[str, str]]:
    """The place of each class_path in a tree, such as `trainer.callbacks.0`, and the path."""
    match tree:
        case {"class_path": str(path)}:
            yield place, path
    for key, value in items_of(tree):
        yield from class_places(value, f"{place}.{key}" if place else str(key))
