"""Lengths of time as people say them, the same on every screen and page."""

from __future__ import annotations

import math
import re
from typing import Any

# the unit of an estimate, by the least that it is used for: seconds of one, and its name
_ESTIMATED_IN = ((48 * 3600.0, 86400.0, "d"), (5400.0, 3600.0, "h"), (90.0, 60.0, "min"))


def duration(seconds: float | None) -> str:
    """`1.9 s`, `42 s`, `3 min 05 s`, `2 h 07 min`, `3 d 04 h`; a dash for none."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600:02d} h"


def duration_range(low_s: float, high_s: float) -> str:
    """`20 to 35 s`, `4 to 6 min`, `1.5 to 3 h`; one number where both are the same, rounded."""
    unit_s, unit = next(
        ((size, name) for least, size, name in _ESTIMATED_IN if high_s >= least), (1.0, "s")
    )
    is_small = high_s < 10 * unit_s and unit != "s"
    low, high = _rounded(low_s / unit_s, is_small), _rounded(high_s / unit_s, is_small)
    return f"{high} {unit}" if low == high else f"{low} to {high} {unit}"


def _rounded(amount: float, is_small: bool) -> str:
    """Two digits say all that an estimate knows."""
    if is_small:
        return f"{amount:.1f}".removesuffix(".0")
    unit = 10 ** max(0, math.floor(math.log10(max(amount, 1))) - 1)
    return str(round(amount / unit) * unit)


_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(value: Any) -> float:
    """Seconds of a number or of text like 90s, 30m, 8h, 2d.

    Raises:
        ValueError: it is neither, or not above zero.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", str(value))
    if match is None or isinstance(value, bool) or float(match[1]) <= 0:
        raise ValueError(f"must be a duration above 0, got {value}. Write 90s, 30m, 8h or 2d.")
    return float(match[1]) * _UNITS[match[2] or "s"]
