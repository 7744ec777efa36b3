"""Numbers, sizes and times as people read them, the same on every screen and page.

Gives plain text; who shows it escapes it for a terminal, for HTML or for a figure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

NOTHING = "–"
_DIGITS = 5
_LONGEST_WHOLE = 1e6
# the unit of an estimate, by the least that it is used for: seconds of one, and its name
_ESTIMATED_IN = ((48 * 3600.0, 86400.0, "d"), (5400.0, 3600.0, "h"), (90.0, 60.0, "min"))


def format_number(value: float | None) -> str:
    """Five significant digits, whole numbers without a dot; a dash for None."""
    if value is None:
        return NOTHING
    if isinstance(value, int):
        return str(value)
    if abs(value) < _LONGEST_WHOLE and value.is_integer():
        return str(int(value))
    return f"{value:.{_DIGITS}g}"


def format_value(value: object) -> str:
    """A parameter as the study file writes it: `null`, `true`, numbers short, text as it is."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return format_number(value)
    return str(value)


def format_percent(share: float) -> str:
    """A share of 1 in whole per cent; small but real shares say `< 1 %`."""
    return "< 1 %" if 0 < share < 0.005 else f"{share * 100:.0f} %"


def format_size(count: float) -> str:
    """Bytes: 0 B, 812 B, 4.2 KiB, 38 MiB, 1.3 GiB."""
    amount, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    digits = 1 if amount < 10 and unit != "B" else 0
    return f"{amount:.{digits}f} {unit}"


def format_duration(seconds: float | None) -> str:
    """`1.9 s`, `42 s`, `3 min 05 s`, `2 h 07 min`, `3 d 04 h`; a dash for None."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
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


def format_duration_range(low_s: float, high_s: float) -> str:
    """`20 to 35 s`, `4 to 6 min`, `1.5 to 3 h`; one number where both are the same, rounded."""
    unit_s, unit = next(
        ((size, name) for least, size, name in _ESTIMATED_IN if high_s >= least), (1.0, "s")
    )
    is_small = high_s < 10 * unit_s and unit != "s"
    low, high = _two_digits(low_s / unit_s, is_small), _two_digits(high_s / unit_s, is_small)
    return f"{high} {unit}" if low == high else f"{low} to {high} {unit}"


def format_count(count: int, noun: str) -> str:
    """`1 trial`, `2 trials`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def format_workers(workers: int, threads: int | None) -> str:
    """`1 worker with 2 threads`, `2 workers with 1 thread each`; `2 workers` without threads."""
    text = format_count(workers, "worker")
    if threads is None:
        return text
    each = "" if workers == 1 else " each"
    return f"{text} with {format_count(threads, 'thread')}{each}"


def format_list(names: Sequence[str], most: int) -> str:
    """`a, b and c`; of more than `most` the first ones and how many there are besides."""
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def _two_digits(amount: float, is_small: bool) -> str:
    """Two digits say all that an estimate knows."""
    if is_small:
        return f"{amount:.1f}".removesuffix(".0")
    unit = 10 ** max(0, math.floor(math.log10(max(amount, 1))) - 1)
    return str(round(amount / unit) * unit)
