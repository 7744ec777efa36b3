"""Values as short text for a terminal; nothing that a user or a model wrote can control it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from search.errors import printable
from search.space.short_names import short_names

_LONGEST = 10_000
_BLOCKS = "▁▂▃▄▅▆▇█"


def clean(value: Any, limit: int = _LONGEST) -> str:
    """Text on one line, with `?` for every character that a terminal would obey.

    Only what no person would read to its end is cut, at `limit` characters.
    """
    text = printable(" ".join(str(value).split()))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def number(value: float | None) -> str:
    """A number with five significant digits; a dash for none."""
    if value is None:
        return "–"
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def size(count: int) -> str:
    """Bytes as people say them: 0 B, 812 B, 4.2 KiB, 38 MiB, 1.3 GiB."""
    amount, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.1f} {unit}" if amount < 10 and unit != "B" else f"{amount:.0f} {unit}"


def each_parameter(params: Mapping[str, Any]) -> list[str]:
    """`lr=0.0012` and `latent_size=8`: parameters by their short names."""
    names = short_names(params)
    return [f"{clean(names[path])}={clean(number(value))}" for path, value in params.items()]


def parameters(params: Mapping[str, Any]) -> str:
    """All parameters in one line."""
    return "  ".join(each_parameter(params))


def sparkline(values: Sequence[float], width: int = 16) -> str:
    """The last `width` values as a row of blocks; gaps for what is not finite."""
    shown = list(values)[-width:]
    finite = [value for value in shown if math.isfinite(value)]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    scale = (len(_BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(
        _BLOCKS[round((value - low) * scale)] if math.isfinite(value) else " " for value in shown
    )
