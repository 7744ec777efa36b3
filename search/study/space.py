"""The searched values: a dotted path into the study file -> a distribution.

Plain data; the engine turns it into Optuna's distributions.
"""

from __future__ import annotations

from dataclasses import dataclass

Scalar = None | bool | int | float | str


@dataclass(frozen=True)
class FloatRange:
    """Floats from `low` to `high`, both included; `step` and `log` exclude each other."""

    low: float
    high: float
    log: bool = False
    step: float | None = None


@dataclass(frozen=True)
class IntRange:
    """Integers from `low` to `high`, both included, `step` apart; `log` needs a step of 1."""

    low: int
    high: int
    log: bool = False
    step: int = 1


@dataclass(frozen=True)
class Choice:
    """One of `values`, in no order."""

    values: tuple[Scalar, ...]


Distribution = FloatRange | IntRange | Choice
Space = dict[str, Distribution]
