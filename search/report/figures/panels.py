"""Several panels in one figure, laid out in rows that the page re-flows on a narrow screen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from plotly import graph_objects as go

from search.report.figures.marks import new_figure

_ROW_HEIGHT = 300
_GAP_PX = 76
_WIDTH_PX = 1040
_TOP_PX = 24
_BOTTOM_PX = 56


def panels(count: int, columns: int = 3) -> go.Figure:
    """A figure for `count` panels; `draw_panel` fills them.

    `layout.meta` tells the page how many panels there are and how high a row is, so that it can
    lay them out in fewer columns.
    """
    columns = min(columns, count)
    rows = -(-count // columns)
    height = rows * _ROW_HEIGHT + _TOP_PX + _BOTTOM_PX
    figure = new_figure(
        height,
        showlegend=False,
        margin={"t": _TOP_PX, "b": _BOTTOM_PX},
        meta={"panels": count, "columns": columns, "row_height": _ROW_HEIGHT},
    )
    x_gap, y_gap = _GAP_PX / _WIDTH_PX, _GAP_PX / (height - _TOP_PX - _BOTTOM_PX)
    width = (1 - x_gap * (columns - 1)) / columns
    tall = (1 - y_gap * (rows - 1)) / rows
    for index in range(count):
        row, column = divmod(index, columns)
        left, top = column * (width + x_gap), 1 - row * (tall + y_gap)
        x_name, y_name = _axes_of(index)
        figure.update_layout(
            {
                _long(x_name): {"domain": [left, left + width], "anchor": y_name},
                _long(y_name): {"domain": [max(0.0, top - tall), top], "anchor": x_name},
            }
        )
    return figure


def draw_panel(
    figure: go.Figure,
    index: int,
    traces: Iterable[Any],
    x: dict[str, Any],
    y: dict[str, Any],
) -> None:
    """Put traces into one panel.

    Args:
        x, y: settings of its axes; lines across the panel are those of `y` alone.
    """
    x_name, y_name = _axes_of(index)
    for trace in traces:
        figure.add_trace(trace.update(xaxis=x_name, yaxis=y_name))
    figure.update_layout({_long(x_name): {**x, "showgrid": False}, _long(y_name): y})


def _axes_of(index: int) -> tuple[str, str]:
    """Plotly's short names of a panel's axes."""
    suffix = "" if index == 0 else str(index + 1)
    return f"x{suffix}", f"y{suffix}"


def _long(name: str) -> str:
    return f"{name[0]}axis{name[1:]}"
