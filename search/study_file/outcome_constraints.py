"""Outcomes of a trial: resources that are measured in every trial, and constraints on them.

Plain data and text; measures nothing. They are no expressions over paths as `constraints` are:
Optuna asks how far one is violated, and the name of a metric may be no name to Python (`val/loss`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from search.plain.formats import NOTHING, format_duration, format_number, format_size

PARAMETERS = "parameters"
EPOCH_TIME = "epoch_time"
PEAK_MEMORY = "peak_memory"
# measured in every trial, under names that no logged metric may have
RESOURCES = (PARAMETERS, EPOCH_TIME, PEAK_MEMORY)

_CONSTRAINT = re.compile(r"\s*([^\s<>=!]+)\s*(<=|>=)\s*(\S+)\s*")


@dataclass(frozen=True)
class OutcomeConstraint:
    """A bound on an outcome.

    name: a resource, or a metric that the module logs.
    operator: <= or >=.
    bound: the largest or smallest outcome that is allowed.
    """

    name: str
    operator: str
    bound: float

    def __str__(self) -> str:
        return f"{self.name} {self.operator} {self.bound:.15g}"

    def violation(self, value: float) -> float:
        """The distance of `value` beyond the bound; 0 or less where the constraint holds."""
        return value - self.bound if self.operator == "<=" else self.bound - value


def parse_constraint(text: str) -> OutcomeConstraint:
    """The constraint that `parameters <= 1e6` says.

    Raises:
        ValueError: it says something else.
    """
    match = _CONSTRAINT.fullmatch(text)
    if match is None:
        raise ValueError(
            f"must be a name, <= or >=, and a number, got {text}. Write parameters <= 1e6."
        )
    try:
        bound = float(match[3])
    except ValueError:
        bound = math.nan
    if not math.isfinite(bound):
        raise ValueError(f"must end in a finite number, got {match[3]}. Write parameters <= 1e6.")
    return OutcomeConstraint(match[1], match[2], bound)


def violations(constraints: Iterable[str], outcomes: Mapping[str, float]) -> dict[str, float]:
    """The violation of each constraint whose outcome is known; 0 or less where it holds."""
    parsed = {text: parse_constraint(text) for text in constraints}
    return {
        text: constraint.violation(outcomes[constraint.name])
        for text, constraint in parsed.items()
        if constraint.name in outcomes
    }


def format_outcome(name: str, value: float | None) -> str:
    """A value of a metric: resources with their units, anything else as a number."""
    if value is None:
        return NOTHING
    if name == PARAMETERS:
        return f"{value:,.0f}"
    if name == EPOCH_TIME:
        return format_duration(value)
    if name == PEAK_MEMORY:
        return format_size(value)
    return format_number(value)
