"""The look and the marks that the figures share: dots that name their trial, the star of the best.

Every text of a mark comes from `hover_text`, which leaves no markup in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from plotly import graph_objects as go

from search.report.palette import ACCENT, FONT, GRID, HIGHLIGHT, INK, LINE, MUTED, PAPER

# shows the text of a mark, without the box that names its trace
HOVER = "%{text}<extra></extra>"


@dataclass(frozen=True)
class Dot:
    """A trial at a place of a figure."""

    x: float
    y: float
    trial: int
    hover: str


def new_figure(height: int, **layout: Any) -> go.Figure:
    """A figure without traces.

    Args:
        height: in pixels.
        layout: further settings of Plotly's layout.
    """
    return go.Figure(layout={"template": _template(), "height": height, **layout})


def dots(placed: Sequence[Dot], **settings: Any) -> go.Scatter:
    """One trace for all dots; a click on one leads the page to the row of its trial."""
    return go.Scatter(
        x=[dot.x for dot in placed],
        y=[dot.y for dot in placed],
        mode="markers",
        customdata=[dot.trial for dot in placed],
        text=[dot.hover for dot in placed],
        hovertemplate=HOVER,
        **settings,
    )


def star(x: float | None, y: float | None, **settings: Any) -> go.Scatter:
    """The mark of the best trial; nothing where a place is None."""
    marker = {
        "symbol": "star",
        "size": 15,
        "color": HIGHLIGHT,
        "line": {"color": PAPER, "width": 1.5},
    }
    given = {"hoverinfo": "skip", **settings}
    return go.Scatter(x=[x], y=[y], mode="markers", marker=marker, **given)


def _template() -> go.layout.Template:
    axis = {
        "gridcolor": GRID,
        "linecolor": LINE,
        "tickcolor": LINE,
        "zeroline": False,
        "showline": True,
        "ticks": "outside",
        "ticklen": 4,
        "automargin": True,
        "tickfont": {"color": MUTED, "size": 12},
        "title": {"font": {"color": MUTED, "size": 12.5}, "standoff": 8},
    }
    layout = go.Layout(
        font={"family": FONT, "size": 13, "color": INK},
        title={"font": {"size": 16, "color": INK}, "x": 0, "xref": "container", "pad": {"l": 16}},
        paper_bgcolor=PAPER,
        plot_bgcolor=PAPER,
        margin={"l": 56, "r": 16, "t": 40, "b": 48},
        xaxis=axis,
        yaxis=axis,
        hoverlabel={"bgcolor": PAPER, "bordercolor": LINE, "font": {"color": INK, "size": 12.5}},
        legend={
            "orientation": "h",
            "x": 0,
            "y": 1.02,
            "yanchor": "bottom",
            "font": {"color": MUTED, "size": 12.5},
        },
        modebar={"bgcolor": PAPER, "color": LINE, "activecolor": ACCENT, "orientation": "v"},
        hovermode="closest",
        dragmode=False,
    )
    return go.layout.Template(layout=layout)
