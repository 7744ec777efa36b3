"""The classes that a configuration names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def class_paths(tree: Any) -> Iterator[str]:
    """Every class_path in a tree of mappings and lists, however deep."""
    return (path for _, path in class_places(tree))


def class_places(tree: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Where each class_path stands in a tree, such as `trainer.callbacks.0`, and the path."""
    if isinstance(tree, Mapping):
        path = tree.get("class_path")
        if isinstance(path, str):
            yield place, path
    if isinstance(tree, Mapping | list | tuple):
        for key, value in tree.items() if isinstance(tree, Mapping) else enumerate(tree):
            yield from class_places(value, f"{place}.{key}" if place else str(key))
