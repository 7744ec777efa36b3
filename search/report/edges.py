"""Advice where the best trials lie at an end of a range or of a list of choices."""

from __future__ import annotations

from typing import Any

from search.plain.formats import format_value
from search.report.data import StudyData
from search.report.dimensions import Dimension
from search.space.distributions import Categorical, Distribution
from search.store.records import TrialRecord

# of few values one is at an end by chance: so many of the best must have the same
_BEST, _LEAST_BEST = 10, 5
_FEW = 20


def edge_advice(data: StudyData, dimension: Dimension) -> str | None:
    """One sentence; None where no end is touched, or nothing lies beyond it.

    A range is judged by its best trial. Of few values, as those of a grid or of a choice of
    numbers, all of the best trials must have the last one. A choice of anything else has no ends.
    """
    if len(data.ranked) < 2 or dimension.path not in data.ranked[0].params:
        return None
    values = _few_values(dimension.distribution)
    if values is None:
        end = _end_of_range(dimension, data.ranked[0].params[dimension.path])
        return f"best at the {end} end: widen the range" if end else None
    count = min(_BEST, len(data.ranked) // 2)
    had = {_value(trial, dimension) for trial in data.ranked[:count]}
    if count < _LEAST_BEST or len(values) < 2 or len(had) != 1:
        return None
    (value,) = had
    if value not in (values[0], values[-1]):
        return None
    end = "upper" if value == values[-1] else "lower"
    if _is_natural(values[0], values[-1], end):
        return None
    finding = f"the best {count} all have {format_value(value)}"
    if isinstance(dimension.distribution, Categorical):
        size = "larger" if end == "upper" else "smaller"
        numbers = ", ".join(format_value(each) for each in values)
        return f"{finding}, the {size.replace('er', 'est')} of {numbers}: add {size} ones"
    return f"{finding}, the {end} end: widen the range"


def _value(trial: TrialRecord, dimension: Dimension) -> Any:
    return trial.params.get(dimension.path)


def _few_values(distribution: Distribution) -> list[float] | None:
    """The values of a choice of numbers or of a small grid, rising; empty for a choice of anything
    else, None for a range."""
    if isinstance(distribution, Categorical):
        numbers = [
            each
            for each in distribution.values
            if isinstance(each, int | float) and not isinstance(each, bool)
        ]
        # values that only name subtrees have no order either
        has_order = len(numbers) == len(distribution.values) and distribution.subtrees is None
        return sorted(numbers) if has_order else []
    if distribution.count is None or distribution.count > _FEW:
        return None
    return distribution.all_values()


def _end_of_range(dimension: Dimension, value: Any) -> str | None:
    distribution = dimension.distribution
    assert not isinstance(distribution, Categorical)
    step = distribution.step
    end = dimension.edge(value)
    if step is not None and value > distribution.high - step:
        end = "upper"  # the last of a grid may lie before the end of its range
    if end is None or _is_natural(distribution.low, distribution.high, end):
        return None
    return end


def _is_natural(low: float, high: float, end: str) -> bool:
    """True where nothing can lie beyond: below 0 or a count of 1, above a probability of 1."""
    if end == "lower":
        return low == 0 or (isinstance(low, int) and low == 1)
    return high == 1 and low >= 0 and not (isinstance(low, int) and isinstance(high, int))
