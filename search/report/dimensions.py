"""One searched value as an axis: where a sampled value lies, and how the axis is labelled."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from search.plain.formats import format_value
from search.plain.tree import ARGUMENTS
from search.report.figure_text import figure_text, shorten
from search.space.distributions import Categorical, Distribution, FloatRange, IntRange

_EDGE = 0.03
# the value of a parameter that a trial does not have; null may be a choice
_ABSENT = object()


@dataclass(frozen=True)
class Dimension:
    """A path of the space with its short label and its distribution."""

    path: str
    label: str
    distribution: Distribution

    @property
    def written(self) -> str:
        """The path as a study file has it: an option by itself."""
        return self.path.removeprefix(f"{ARGUMENTS}.")

    @property
    def is_log(self) -> bool:
        dist = self.distribution
        return not isinstance(dist, Categorical) and dist.log and dist.low > 0

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values of a choice, in the order of the study file; empty for a range."""
        return self.distribution.values if isinstance(self.distribution, Categorical) else ()

    def coordinate(self, value: Any) -> float | None:
        """Where `value` lies on a Plotly axis: the number, or the place of a choice from 0.

        None where it has no place: missing, not finite, not positive on a log axis, no choice.
        """
        if isinstance(self.distribution, Categorical):
            return _index(self.choices, value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        if not math.isfinite(value) or (self.is_log and value <= 0):
            return None
        return float(value)

    def scaled(self, value: Any) -> float | None:
        """Where `value` lies in the range, 0 to 1, in log space where the distribution is log."""
        at = self.coordinate(value)
        if at is None:
            return None
        low, high = self._ends()
        at = math.log10(at) if self.is_log else at
        return 0.5 if high == low else min(1.0, max(0.0, (at - low) / (high - low)))

    def coordinate_in(self, params: Mapping[str, Any]) -> float | None:
        """`coordinate` for a trial with the parameters `params`."""
        return self.coordinate(params.get(self.path, _ABSENT))

    def scaled_in(self, params: Mapping[str, Any]) -> float | None:
        """`scaled` for a trial with the parameters `params`."""
        return self.scaled(params.get(self.path, _ABSENT))

    def pair_in(self, params: Mapping[str, Any]) -> str:
        """`lr = 0.001`, for a trial with the parameters `params`."""
        return f"{self.label} = {format_value(params.get(self.path))}"

    def coordinate_at(self, scaled: float) -> float:
        """The inverse of `scaled`, as a place on a Plotly axis."""
        low, high = self._ends()
        at = low + scaled * (high - low)
        return float(10**at) if self.is_log else at

    def edge(self, value: Any) -> str | None:
        """`lower` or `upper` where `value` touches an end of a range, else None."""
        at = self.scaled(value)
        dist = self.distribution
        if at is None or isinstance(dist, Categorical) or dist.low == dist.high:
            return None
        if at <= _EDGE:
            return "lower"
        return "upper" if at >= 1 - _EDGE else None

    def axis(self) -> dict[str, Any]:
        """Plotly settings of an axis over the whole range."""
        low, high = self._ends()
        pad = (high - low) * 0.05 or 0.5
        settings: dict[str, Any] = {"title": {"text": figure_text(self.label)}}
        if self.choices:
            settings["tickvals"] = list(range(len(self.choices)))
            settings["ticktext"] = [
                figure_text(shorten(format_value(choice), 18)) for choice in self.choices
            ]
            pad = 0.5
        if self.is_log:
            settings |= {"type": "log", **log_ticks(low, high)}
        return {**settings, "range": [low - pad, high + pad]}

    def _ends(self) -> tuple[float, float]:
        dist = self.distribution
        if isinstance(dist, Categorical):
            return 0.0, float(max(len(dist.values) - 1, 0))
        if self.is_log:
            return math.log10(dist.low), math.log10(dist.high)
        return float(dist.low), float(dist.high)


def log_ticks(low: float, high: float) -> dict[str, Any]:
    """Ticks for a log axis from 10**low to 10**high: powers of ten, or 1-2-5 on a short axis."""
    if high - low > 8:
        return {"dtick": max(1, round((high - low) / 6)), "exponentformat": "power"}
    steps = (1,) if high - low > 2.6 else (1, 2, 5)
    decades = range(math.floor(low), math.ceil(high) + 1)
    places = [step * 10.0**decade for decade in decades for step in steps]
    return {"tickvals": places, "ticktext": [f"{place:g}" for place in places]}


def inferred(values: Iterable[Any]) -> Distribution:
    """A distribution for values of a path that the recorded space does not name."""
    seen = list(values)
    numbers = [v for v in seen if isinstance(v, int | float) and not isinstance(v, bool)]
    finite = [v for v in numbers if math.isfinite(v)]
    if finite and len(numbers) == len(seen):
        if all(isinstance(v, int) for v in finite):
            return IntRange(int(min(finite)), int(max(finite)))
        return FloatRange(min(finite), max(finite))
    distinct = {(type(v).__name__, str(v)): v for v in seen}
    return Categorical(tuple(distinct[key] for key in sorted(distinct)))


def _index(choices: tuple[Any, ...], value: Any) -> float | None:
    # True == 1 and 1 == 1.0 in Python, yet each may be a choice of its own
    for position, choice in enumerate(choices):
        if type(choice) is type(value) and choice == value:
            return float(position)
    return next((float(i) for i, choice in enumerate(choices) if choice == value), None)
