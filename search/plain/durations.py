"""Lengths of time as people type them."""

from __future__ import annotations

import re

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(value: object) -> float:
    """Seconds of a number or of text like 90s, 30m, 8h, 2d.

    Raises:
        ValueError: it is neither, or not above zero.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", str(value))
    if match is None or isinstance(value, bool) or float(match[1]) <= 0:
        raise ValueError(f"must be a duration above 0, got {value}. Write 90s, 30m, 8h or 2d.")
    return float(match[1]) * _UNITS[match[2] or "s"]
