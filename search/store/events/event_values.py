"""Values in the events of a trial, checked one by one."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any

from search.store.attributes import checked
from search.study_file.outcome_constraints import EPOCH_TIME, RESOURCES

_SIZES = ("micro_batch", "accumulation", "effective_batch")
# how `event_file.strict` writes the numbers that JSON has not
_NOT_FINITE = ("inf", "-inf", "nan")


def sizes_in(tree: Mapping[str, Any]) -> dict[str, int | None]:
    """The sizes of the batches."""
    return {name: checked(tree[name], int, NoneType) for name in _SIZES if name in tree}


def resources_in(tree: Mapping[str, Any]) -> dict[str, float | None]:
    """What a trial took."""
    found: dict[str, float | None] = {}
    for name in RESOURCES:
        if name in tree:
            kinds = (float, int) if name == EPOCH_TIME else (int,)
            found[name] = checked(tree[name], *kinds, NoneType)
    return found


def numbers_in(tree: Mapping[str, Any]) -> dict[str, Any]:
    """What was infinite or NaN as a number again, not by its name."""
    return {key: float(each) if each in _NOT_FINITE else each for key, each in tree.items()}
