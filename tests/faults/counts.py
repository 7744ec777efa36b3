"""How much of the long suite is run: `SEARCH_LONG=0.1 pytest -m long` does a tenth of each count."""

from __future__ import annotations

import os

SHARE = float(os.environ.get("SEARCH_LONG", "1"))


def scaled(count: int) -> int:
    """The part of `count` cases that this run does."""
    return max(1, round(count * SHARE))
