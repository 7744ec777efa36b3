"""The colours of the report, each with its partner for dark screens, and the looks of outcomes.

Figures are drawn in the light colours; the page swaps each for its partner by exact match, so a
colour in a figure must be one of these. Hues keep apart for the common colour-vision deficiencies,
and every outcome has a marker shape of its own besides its colour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from search.store.records import TrialRecord

Item = TypeVar("Item")

INK = "#1c2530"
MUTED = "#5b6675"
GRID = "#e6e9ee"
LINE = "#c3cad4"
PAPER = "#ffffff"
ACCENT = "#0b62b8"
SOFT = "#4f93d2"
HIGHLIGHT = "#d9480f"

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

# from poor to good
SCALE = ("#f1f3f6", "#cfdfee", "#97c0e4", "#4f93d3", "#1a67b5", "#0a3d7a")
LINES = ("#d3d8df", "#b9cbde", "#86b4dd", "#3f8ad0", "#0b5fb3")


@dataclass(frozen=True)
class Look:
    """The look of the trials that ended for one cause."""

    word: str
    colour: str
    symbol: str


OUTCOMES: dict[str, Look] = {
    "done": Look("complete", "#2b7cc9", "circle"),
    "pruned": Look("pruned", "#8b95a3", "triangle-down"),
    "infeasible": Look("infeasible", "#6f7d1c", "square-open"),
    "diverged": Look("diverged", "#a63d97", "diamond"),
    "oom": Look("out of memory", "#b97a00", "square"),
    "killed": Look("killed", "#7a5230", "cross"),
    "lost": Look("lost", "#b0567a", "star"),
    "hung": Look("hung", "#6b5bd2", "hourglass"),
    "interrupted": Look("interrupted", "#1795ad", "triangle-right"),
    "error": Look("error", "#cf3a24", "x"),
    "running": Look("running", "#12875f", "circle-open"),
    "paused": Look("paused", "#5f8f6b", "square-open-dot"),
    "waiting": Look("waiting", "#a7afba", "circle-open-dot"),
}

DARK: dict[str, str] = {
    INK: "#e7ecf3",
    MUTED: "#9eabbb",
    GRID: "#29323d",
    LINE: "#45505e",
    PAPER: "#171d25",
    ACCENT: "#6fb6f7",
    SOFT: "#3f80bd",
    HIGHLIGHT: "#ff9a5c",
    **dict(
        zip(SCALE, ("#1d2630", "#213c58", "#285c8d", "#3a86c8", "#74b6ee", "#d3ebff"), strict=True)
    ),
    **dict(zip(LINES, ("#333d49", "#35495e", "#36638f", "#4590d0", "#83c4fb"), strict=True)),
    "#2b7cc9": "#5aa7ee",
    "#8b95a3": "#7f8b9b",
    "#6f7d1c": "#b3c34e",
    "#a63d97": "#d987cb",
    "#b97a00": "#e3ac3f",
    "#7a5230": "#c09670",
    "#b0567a": "#e58fb0",
    "#6b5bd2": "#a59af3",
    "#1795ad": "#4cc3d9",
    "#cf3a24": "#f4755f",
    "#12875f": "#45c495",
    "#5f8f6b": "#86b894",
    "#a7afba": "#6c7786",
}


def outcome_key(trial: TrialRecord) -> str:
    """The key in `OUTCOMES` for a trial: its state, and for a failed one its cause; one that
    violates a constraint on its outcome is infeasible."""
    if trial.infeasible and trial.state in ("COMPLETE", "PRUNED"):
        return "infeasible"
    if trial.state == "FAIL":
        return trial.cause if trial.cause in OUTCOMES and trial.cause != "done" else "error"
    if trial.is_paused:
        return "paused"
    return {"COMPLETE": "done", "PRUNED": "pruned", "RUNNING": "running"}.get(
        trial.state, "waiting"
    )


def look_of(trial: TrialRecord) -> Look:
    """The look of a trial."""
    return OUTCOMES[outcome_key(trial)]


def by_outcome(
    items: Iterable[Item], key_of: Callable[[Item], str]
) -> list[tuple[str, Look, list[Item]]]:
    """Items grouped by the key of their outcome; no group is empty."""
    groups: dict[str, list[Item]] = {key: [] for key in OUTCOMES}
    for item in items:
        groups[key_of(item)].append(item)
    return [(key, OUTCOMES[key], group) for key, group in groups.items() if group]


def colorscale() -> list[tuple[float, str]]:
    """From poor (0) to good (1)."""
    return [(index / (len(SCALE) - 1), colour) for index, colour in enumerate(SCALE)]
