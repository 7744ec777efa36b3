"""Contours: the metric over pairs of the parameters that matter most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from plotly import graph_objects as go

from search.engine.records import TrialRecord
from search.report.data import Plot, StudyData, score
from search.report.dimensions import Dimension
from search.report.grid import axes_of, panels, set_axes
from search.report.palette import BEST_MARKER, INK, MUTED, PAPER, colorscale
from search.report.text import format_number, format_param, plot_text

MIN_TRIALS = 5
_DIMENSIONS = 3
_CELLS = 36
_BANDWIDTH = 0.11
_FAR = 0.02


@dataclass(frozen=True)
class Surface:
    """The smoothed metric over two dimensions: `z` is (len(y), len(x)), NaN far from any trial."""

    x: list[float]
    y: list[float]
    z: list[list[float | None]]


def contour(data: StudyData) -> Plot:
    """A panel for each pair of the three parameters that explain most."""
    if len(data.varied) < 2:
        return Plot("Contours need two parameters that differ between complete trials.")
    if len(data.scored) < MIN_TRIALS or len({score(t) for t in data.scored}) < 2:
        return Plot(f"Contours need at least {MIN_TRIALS} complete trials with different values.")
    dims = data.varied[:_DIMENSIONS]
    note = (
        "Smoothed from the complete trials (dots), blank where none is near; the star is the "
        "best. Darker blue is better, brighter on a dark screen."
    )
    if len(data.varied) > _DIMENSIONS:
        note += f" {data.shown(_DIMENSIONS, len(data.varied))}"
    return Plot(_finding(data, dims), _draw(data, list(combinations(dims, 2))), note)


def surface(data: StudyData, x: Dimension, y: Dimension) -> Surface:
    """Nadaraya-Watson estimate with a Gaussian kernel over the scaled ranges
    (https://doi.org/10.1137/1109020), of the logarithm of the metric where its axis is log."""
    placed = [
        (a, b, t)
        for t in data.scored
        if (a := _at(x, t)) is not None and (b := _at(y, t)) is not None
    ]
    values = np.asarray([data.axis.transformed(score(t)) for *_, t in placed])
    xs, ys = _cells(x), _cells(y)
    near_x = _kernel(xs, [a for a, *_ in placed])
    near_y = _kernel(ys, [b for _, b, _ in placed])
    weight = near_y @ near_x.T
    with np.errstate(invalid="ignore", divide="ignore"):
        smooth = (near_y * values) @ near_x.T / weight
    blank = weight < _FAR
    z = [
        [None if hidden else float(value) for value, hidden in zip(row, hides, strict=True)]
        for row, hides in zip(smooth, blank, strict=True)
    ]
    return Surface([x.coordinate_at(at) for at in xs], [y.coordinate_at(at) for at in ys], z)


def _cells(dim: Dimension) -> list[float]:
    if dim.choices:
        return [at for choice in dim.choices if (at := dim.scaled(choice)) is not None]
    return [float(at) for at in np.linspace(0, 1, _CELLS)]


def _kernel(cells: Sequence[float], places: Sequence[float]) -> Any:
    distance = (np.asarray(cells)[:, None] - np.asarray(places)[None, :]) / _BANDWIDTH
    return np.exp(-0.5 * distance**2)


def _at(dim: Dimension, trial: TrialRecord) -> float | None:
    return dim.scaled_in(trial.params)


def _finding(data: StudyData, dims: Sequence[Dimension]) -> str:
    best = data.ranked[0]
    word = "Lowest" if data.is_minimized else "Highest"
    near = " and ".join(
        f"{dim.label} {format_param(best.params[dim.path])}"
        for dim in dims[:2]
        if dim.path in best.params
    )
    return f"{word} {data.metric} at {near}" if near else f"{data.metric} over pairs of parameters"


def _draw(data: StudyData, pairs: Sequence[tuple[Dimension, Dimension]]) -> go.Figure:
    figure = panels(len(pairs))
    for index, (x, y) in enumerate(pairs):
        x_name, y_name = axes_of(index)
        for trace in (_filled(surface(data, x, y)), _dots(data, x, y), _star(data, x, y)):
            figure.add_trace(trace.update(xaxis=x_name, yaxis=y_name))
        plain = {"showgrid": False}
        set_axes(figure, index, {**_tight(x), **plain}, {**_tight(y), **plain})
    figure.update_layout(coloraxis=_colour_axis(data), margin={"r": 80})
    return figure


def _tight(dim: Dimension) -> dict[str, Any]:
    """The axis without its margin, so that the filled area touches the frame."""
    axis = dim.axis()
    ends = [dim.coordinate_at(0.0), dim.coordinate_at(1.0)]
    return {**axis, "range": [math.log10(end) for end in ends] if dim.is_log else ends}


def _filled(area: Surface) -> go.Contour:
    return go.Contour(
        x=area.x,
        y=area.y,
        z=area.z,
        coloraxis="coloraxis",
        line={"width": 0.4, "color": PAPER},
        ncontours=14,
        hoverinfo="skip",
    )


def _dots(data: StudyData, x: Dimension, y: Dimension) -> go.Scatter:
    trials = [t for t in data.scored if _at(x, t) is not None and _at(y, t) is not None]
    return go.Scatter(
        x=[x.coordinate(t.params[x.path]) for t in trials],
        y=[y.coordinate(t.params[y.path]) for t in trials],
        mode="markers",
        cliponaxis=False,
        marker={"size": 5, "color": INK, "opacity": 0.7, "line": {"color": PAPER, "width": 0.8}},
        customdata=[t.number for t in trials],
        text=[_hover(t, (x, y)) for t in trials],
        hovertemplate="%{text}<extra></extra>",
    )


def _star(data: StudyData, x: Dimension, y: Dimension) -> go.Scatter:
    best = data.ranked[0]
    return go.Scatter(
        x=[x.coordinate_in(best.params)],
        y=[y.coordinate_in(best.params)],
        mode="markers",
        cliponaxis=False,
        marker=BEST_MARKER,
        hoverinfo="skip",
    )


def _hover(trial: TrialRecord, dims: Sequence[Dimension]) -> str:
    lines = [f"trial {trial.number}: {format_number(trial.value)}"]
    for dim in dims:
        lines.append(plot_text(f"{dim.label} = {format_param(trial.params[dim.path])}"))
    return "<br>".join(lines)


def _colour_axis(data: StudyData) -> dict[str, Any]:
    low, high = (data.axis.transformed(end) for end in (data.axis.low, data.axis.high))
    places = [low + (high - low) * part / 4 for part in range(5)]
    shown = [10**place if data.axis.is_log else place for place in places]
    return {
        "colorscale": colorscale(),
        "reversescale": data.is_minimized,
        "cmin": low,
        "cmax": high,
        "colorbar": {
            "thickness": 12,
            "outlinewidth": 0,
            "tickvals": places,
            "ticktext": [f"{value:.3g}" for value in shown],
            "tickfont": {"color": MUTED, "size": 11},
            "title": {"text": plot_text(data.metric), "font": {"color": MUTED, "size": 12}},
        },
    }
