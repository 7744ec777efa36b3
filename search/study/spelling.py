"""The full spelling of a path that a user wrote."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search.study.nested import CLASS_KEYS
from search.study.paths import full_path
from search.study.space import Space


class Spelling:
    """The full spelling of a path: `model.lr`, and in options `model.encoder[mlp].width`."""

    def __init__(self, space: Space, sections: Mapping[str, Any]) -> None:
        self._space = space
        self._sections = sections
        self._bare: dict[str, list[str]] = {}
        for path in space:
            self._bare.setdefault(_bare(path), []).append(path)

    def __call__(self, path: str) -> str:
        full = full_path(path, self._sections)
        found = self._bare.get(_bare(path), [])
        return found[0] if full not in self._space and len(found) == 1 else full


def _bare(path: str) -> str:
    return ".".join(part for part in path.split(".") if part not in CLASS_KEYS[1:])
