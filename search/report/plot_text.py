"""How numbers, times and names are written in the report, the same everywhere."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

from search.plain.durations import duration
from search.study_file.outcome_constraints import EPOCH_TIME, resource_text

_LONGEST_LABEL = 40


def format_number(value: float | None) -> str:
    """Four significant digits; a dash for None."""
    if value is None:
        return "–"
    if isinstance(value, int) or (
        math.isfinite(value) and value == int(value) and abs(value) < 1e6
    ):
        return str(int(value))
    return f"{value:.4g}"


def format_outcome(metric: str, value: float | None) -> str:
    """A value of a metric: resources with their units, anything else as a number."""
    if value is None:
        return format_number(None)
    if metric == EPOCH_TIME:
        return duration(value)
    return resource_text(metric, value) or format_number(value)


def format_param(value: Any) -> str:
    """A parameter as the study file writes it: `null`, `true`, numbers short, text as it is."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return format_number(value)
    return str(value)


def format_percent(share: float) -> str:
    """A share of 1 in whole per cent; small but real shares say `< 1 %`."""
    return "< 1 %" if 0 < share < 0.005 else f"{share * 100:.0f} %"


def listed(names: Sequence[str], most: int) -> str:
    """`a, b and c`; of more than `most` the first ones and how many there are besides."""
    shown = list(names[:most]) + ([f"{len(names) - most} more"] if len(names) > most else [])
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def counted(count: int, noun: str) -> str:
    """`1 trial`, `2 trials`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def shorten(text: str, limit: int = _LONGEST_LABEL) -> str:
    """One line of at most `limit` characters, the middle left out of longer ones."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    half = (limit - 1) // 2
    return f"{line[:half]}…{line[-half:]}"


def plot_text(text: str, limit: int = _LONGEST_LABEL) -> str:
    """Text for inside a figure: short, and escaped because Plotly reads a subset of HTML."""
    return html.escape(shorten(text, limit), quote=False)
