"""The classes that a configuration names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def class_paths(tree: Any) -> Iterator[str]:
    """Every class_path in a tree of mappings and lists, however deep."""
    if isinstance(tree, Mapping):
        path = tree.get("class_path")
        if isinstance(path, str):
            yield path
    if isinstance(tree, Mapping | list | tuple):
        for value in tree.values() if isinstance(tree, Mapping) else tree:
            yield from class_paths(value)
