"""Shares of a whole, as people write them."""

from __future__ import annotations

import re

from search.plain.yaml import shown

_PER_CENT = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*%", re.ASCII)


def parse_share(value: object) -> float:
    """A share from 0 to 1 out of `5%` or 0.05, 0 out of `off`; a plain number is below 1, since 1
    could be read as either.

    Raises:
        ValueError: it is neither.
    """
    if value in ("off", "none", False):
        return 0.0
    if isinstance(value, str) and (found := _PER_CENT.fullmatch(value.strip())):
        share = float(found[1]) / 100
        if share <= 1:
            return share
    elif isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1:
        return float(value)
    raise ValueError(f"must be a share such as 5% or 0.05, at most 100%, got {shown(value)}")
