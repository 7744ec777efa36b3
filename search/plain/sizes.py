"""Sizes of memory as people type them."""

from __future__ import annotations

import re

from search.plain.yaml import shown

_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
# as batch systems write them, who count by 1024 as well
_SHORT = {"K": "KiB", "M": "MiB", "G": "GiB", "T": "TiB"}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(B|[KMGT](?:iB)?)\s*", re.ASCII)


def parse_size(value: object) -> int:
    """Bytes of text like 512MiB, 16GiB or 16G; a number alone could be of any unit.

    Raises:
        ValueError: it is none, or no byte.
    """
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    count = 0
    if match is not None:
        count = round(float(match[1]) * _UNITS[_SHORT.get(match[2], match[2])])
    if count < 1:
        raise ValueError(f"must be a size such as 512MiB or 16GiB, got {shown(value)}")
    return count


def size_text(count: int) -> str:
    """Bytes as the shortest text that `parse_size` reads back to the same number."""
    unit = next(unit for unit in reversed(_UNITS) if count % _UNITS[unit] == 0)
    return f"{count // _UNITS[unit]}{unit}"
