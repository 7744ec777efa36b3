"""How much of the long suite is run: with `SEARCH_LONG=0.1 pytest -m long` a tenth."""

from __future__ import annotations

import os

SHARE = float(os.environ.get("SEARCH_LONG", "1"))


def scaled(count: int) -> int:
    """The part of `count` cases that this run does."""
    return max(1, round(count * SHARE))
