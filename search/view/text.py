"""Values as short text for a terminal; nothing that a user or a model wrote can control it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from search.errors import printable
from search.study.labels import short_names

_BLOCKS = "▁▂▃▄▅▆▇█"


def clean(value: Any, limit: int = 200) -> str:
    """Text on one line, with `?` for every character that a terminal would obey."""
    text = printable(" ".join(str(value).split()))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def number(value: float | None) -> str:
    """A number with five significant digits; a dash for none."""
    if value is None:
        return "–"
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def duration(seconds: float | None) -> str:
    """Seconds as people say them: 1.9 s, 42 s, 3 min 05 s, 2 h 07 min, 3 d 04 h."""
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


def size(count: int) -> str:
    """Bytes as people say them: 0 B, 812 B, 4.2 KiB, 38 MiB, 1.3 GiB."""
    amount, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.1f} {unit}" if amount < 10 and unit != "B" else f"{amount:.0f} {unit}"


def parameters(params: Mapping[str, Any], limit: int = 200) -> str:
    """`lr=0.0012  latent_size=8`: parameters by their short names."""
    names = short_names(params)
    text = "  ".join(f"{clean(names[path])}={clean(number(v))}" for path, v in params.items())
    return text if len(text) <= limit else text[: limit - 1] + "…"


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
