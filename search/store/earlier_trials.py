"""A study that a new one may learn from, as it is read: its direction and its finished trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SEVERAL_OBJECTIVES = (
    "has several objectives, which put its trials in no order. Name a study of one, or write what "
    "is to be tried under enqueue."
)


@dataclass(frozen=True)
class EarlierTrial:
    """A trial of an earlier study that finished, and kept to its constraints."""

    number: int
    # by the names that its study has for them
    params: Mapping[str, Any]
    # None where it was pruned
    value: float | None
    # reported values by step
    curve: Mapping[int, float]


@dataclass(frozen=True)
class EarlierStudy:
    """An earlier study."""

    # minimize or maximize
    direction: str
    trials: tuple[EarlierTrial, ...]
    # where it lies, the same whatever it was named by; empty where it was not read from a disk
    address: str = ""
