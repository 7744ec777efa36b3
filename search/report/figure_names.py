"""The names of the figures. Imports nothing, so that `search report --help` is quick."""

from __future__ import annotations

from typing import Literal, get_args

FigureName = Literal[
    "pareto",
    "history",
    "importance",
    "intermediate",
    "slice",
    "parallel",
    "contour",
    "timeline",
]
FIGURE_NAMES: tuple[FigureName, ...] = get_args(FigureName)
