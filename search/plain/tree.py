"""Trees of mappings and lists: values by dotted path, and the classes that they name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# the keys of a mapping that names a class; a short path leaves out those of its arguments
ARGUMENT_KEYS = ("init_args", "dict_kwargs")
CLASS_KEYS = ("class_path", *ARGUMENT_KEYS)
# a mapping of plain data, as it is read from YAML or JSON
Tree = dict[str, Any]


def lookup_path(tree: Any, path: str) -> Any:
    """The value at a dotted path, which may be None.

    Raises:
        KeyError: there is nothing.
    """
    *parents, last = path.split(".")
    parent = read_path(tree, ".".join(parents)) if parents else tree
    if isinstance(parent, Mapping):
        return parent[last]
    if isinstance(parent, list) and last.isdigit() and int(last) < len(parent):
        return parent[int(last)]
    raise KeyError(path)


def read_path(tree: Any, path: str) -> Any:
    """The value at a dotted path; numbers index lists; None where there is nothing."""
    for part in path.split("."):
        if isinstance(tree, Mapping):
            tree = tree.get(part)
        elif isinstance(tree, list) and part.isdigit() and int(part) < len(tree):
            tree = tree[int(part)]
        else:
            return None
    return tree


def write_path(tree: Any, path: str, value: Any) -> None:
    """Set the value at a dotted path, making the mappings on the way.

    Raises:
        KeyError: the path leads through a value that is no mapping, or beyond the end of a list.
    """
    *parents, last = path.split(".")
    for index, part in enumerate(parents):
        if isinstance(tree, dict):
            if tree.get(part) is None:
                tree[part] = {}
            tree = tree[part]
        elif isinstance(tree, list) and part.isdigit() and int(part) < len(tree):
            tree = tree[int(part)]
        else:
            raise KeyError(".".join(parents[:index]))
    if isinstance(tree, dict):
        tree[last] = value
    elif isinstance(tree, list) and last.isdigit() and int(last) < len(tree):
        tree[int(last)] = value
    else:
        raise KeyError(".".join(parents))


def class_paths(tree: Any) -> Iterator[str]:
    """Every class_path in a tree of mappings and lists, however deep."""
    return (path for _, path in class_places(tree))


def class_places(tree: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """The place of each class_path in a tree, such as `trainer.callbacks.0`, and the path."""
    if isinstance(tree, Mapping):
        path = tree.get("class_path")
        if isinstance(path, str):
            yield place, path
    if isinstance(tree, Mapping | list | tuple):
        for key, value in tree.items() if isinstance(tree, Mapping) else enumerate(tree):
            yield from class_places(value, f"{place}.{key}" if place else str(key))
