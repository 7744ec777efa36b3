"""What differs between the study file of a study and the one given now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from search.study.file import StudyFile
from search.study.yaml_loader import shown

# what judges what is still to come may change; everything else is what the study is
_FREE = ("pruner", "keep", "budget")
_FIXED = (
    "model",
    "data",
    "trainer",
    "optimizer",
    "lr_scheduler",
    "ckpt_path",
    "weights_only",
    "cli",
    "seed_everything",
    "objective",
    "objectives",
    "prune_on",
    "outcome_constraints",
    "finalists",
    "space",
    "constraints",
    "derive",
    "enqueue",
    "batch",
    "sampler",
    "seed",
)


def differences(stored: StudyFile, given: StudyFile) -> list[str]:
    """One line for each value that may not change once a study has begun."""
    of_the_cli = sorted({*(stored.model_extra or {}), *(given.model_extra or {})})
    return list(compare(stored.to_tree(), given.to_tree(), (*_FIXED, *of_the_cli)))


def free_changes(stored: StudyFile, given: StudyFile) -> list[str]:
    """One line for each value that changed and may."""
    return list(compare(stored.to_tree(), given.to_tree(), _FREE))


def compare(old: Mapping[str, Any], new: Mapping[str, Any], keys: Iterable[str]) -> Iterator[str]:
    """A line `place: was ..., is ...` for each difference of two trees below `keys`."""
    for key in keys:
        yield from _compare(key, old.get(key), new.get(key))


def _compare(path: str, old: Any, new: Any) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict) and not _is_distribution(path):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _compare(f"{path}.{key}", old.get(key), new.get(key))
    elif old != new or type(old) is not type(new):
        yield f"{path}: was {shown(old)}, is {shown(new)}"


def _is_distribution(path: str) -> bool:
    return path.startswith("space.")
