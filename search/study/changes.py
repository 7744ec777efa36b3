"""What differs between the study file of a study and the one given now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from search.study.file import StudyFile
from search.study.yaml_loader import shown

# trials, timeout and pruner judge what is still to come; everything else is what the study is
_FIXED = (
    "model",
    "data",
    "trainer",
    "seed_everything",
    "objective",
    "space",
    "batch",
    "sampler",
    "seed",
)


def differences(stored: StudyFile, given: StudyFile) -> list[str]:
    """One line for each value that may not change once a study has begun."""
    old, new = stored.to_tree(), given.to_tree()
    return [line for key in _FIXED for line in _compare(key, old.get(key), new.get(key))]


def _compare(path: str, old: Any, new: Any) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict) and not _is_distribution(path):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _compare(f"{path}.{key}", old.get(key), new.get(key))
    elif old != new or type(old) is not type(new):
        yield f"{path}: was {shown(old)}, is {shown(new)}"


def _is_distribution(path: str) -> bool:
    return path.startswith("space.")
