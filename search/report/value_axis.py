"""The objective metric as an axis: linear or log, and not stretched by a few wild values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from search.report.dimensions import log_ticks
from search.report.figure_text import figure_text

_LOG_FROM_RATIO = 10.0
_WILD = 4.0


@dataclass(frozen=True)
class ValueAxis:
    """An axis from `low` to `high` in units of the metric; `is_log` needs both above 0."""

    metric: str
    is_log: bool
    low: float
    high: float

    def clip(self, value: float) -> float:
        """`value`, or the end of the axis that it lies beyond."""
        return min(self.high, max(self.low, value))

    def clipping_note(self, values: Iterable[float]) -> str:
        """A sentence to go on a note with, where a value lies beyond the axis."""
        is_clipped = any(self.clip(value) != value for value in values)
        return " Values beyond the axis are drawn at its edge." if is_clipped else ""

    def transformed(self, value: float) -> float:
        """`value` clipped, as its logarithm to base 10 on a log axis."""
        clipped = self.clip(value)
        return math.log10(clipped) if self.is_log else clipped

    def value_at(self, transformed: float) -> float:
        """The inverse of `transformed`."""
        return float(10**transformed) if self.is_log else transformed

    @property
    def ends(self) -> tuple[float, float]:
        """Both ends, transformed."""
        return self.transformed(self.low), self.transformed(self.high)

    @property
    def range(self) -> tuple[float, float]:
        """Ends with a margin, in the units of a Plotly range (exponents on a log axis)."""
        low, high = self.ends
        pad = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
        return low - pad, high + pad

    def settings(self) -> dict[str, Any]:
        """Plotly settings of the axis."""
        settings: dict[str, Any] = {
            "title": {"text": figure_text(self.metric)},
            "range": list(self.range),
        }
        if self.is_log:
            settings |= {"type": "log", **log_ticks(*self.range)}
        return settings


def value_axis(metric: str, direction: str, values: Sequence[float]) -> ValueAxis:
    """The axis for finite `values` (at least one).

    Log where all are positive and span more than a factor of 10. On the poor side it ends four
    interquartile ranges from the median half; the good side always shows everything.
    """
    numbers = np.asarray(values, dtype=float)
    is_log = bool(numbers.min() > 0 and numbers.max() / numbers.min() > _LOG_FROM_RATIO)
    scale = np.log10(numbers) if is_log else numbers
    lower, upper = np.quantile(scale, [0.25, 0.75])
    reach = _WILD * (upper - lower)
    axis = ValueAxis(metric, is_log, float(numbers.min()), float(numbers.max()))
    if upper > lower and direction == "minimize" and scale.max() > upper + reach:
        return replace(axis, high=axis.value_at(float(upper + reach)))
    if upper > lower and direction == "maximize" and scale.min() < lower - reach:
        return replace(axis, low=axis.value_at(float(lower - reach)))
    return axis
