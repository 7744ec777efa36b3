"""Contours: the metric over pairs of the parameters that explain most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from plotly import graph_objects as go

from search.plain.formats import format_number, format_value
from search.report.data import Plot, StudyData, finite_curve, score
from search.report.dimensions import Dimension
from search.report.figure_text import figure_text
from search.report.figures.panels import axes_of, panels, set_axes
from search.report.palette import BEST_MARKER, INK, MUTED, OUTCOMES, PAPER, colorscale
from search.report.value_axis import ValueAxis, value_axis
from search.store.records import TrialRecord

MIN_TRIALS = 5
_DIMENSIONS = 3
_CELLS = 48
_BANDWIDTH = 0.09
# of the range of an axis: as far around a trial as its value may stand for others
_NEAR = 0.15


@dataclass(frozen=True)
class Point:
    """A trial with what it showed: its value, or of a pruned one the last that it reported."""

    trial: TrialRecord
    value: float

    @property
    def is_pruned(self) -> bool:
        return self.trial.state == "PRUNED"


@dataclass(frozen=True)
class Surface:
    """The smoothed metric over two dimensions: `z` is (len(y), len(x)), None far from any trial."""

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
    points = points_of(data)
    pruned = ""
    if any(point.is_pruned for point in points):
        pruned = " and pruned ones (triangles) at the last value that they reported"
    note = (
        f"Smoothed from complete trials (dots){pruned}; blank where no trial is near. The star is "
        "the best. Darker blue is better, brighter on a dark screen."
    )
    if len(data.varied) > _DIMENSIONS:
        note += f" {data.shown(_DIMENSIONS, len(data.varied))}"
    return Plot(_finding(data, dims), _draw(data, points, list(combinations(dims, 2))), note)


def points_of(data: StudyData) -> list[Point]:
    """Complete trials, and pruned ones that reported anything, by number."""
    points = [Point(trial, score(trial)) for trial in data.scored]
    for trial in data.record.trials:
        curve = finite_curve(trial)
        if trial.state == "PRUNED" and curve:
            points.append(Point(trial, curve[-1][1]))
    return sorted(points, key=lambda point: point.trial.number)


def surface(points: Sequence[Point], axis: ValueAxis, x: Dimension, y: Dimension) -> Surface:
    """Nadaraya-Watson estimate with a Gaussian kernel over the scaled ranges
    (https://doi.org/10.1137/1109020), of the logarithm of the metric where its axis is log."""
    placed = [
        (a, b, point.value)
        for point in points
        if (a := x.scaled_in(point.trial.params)) is not None
        and (b := y.scaled_in(point.trial.params)) is not None
    ]
    values = np.array([axis.transformed(value) for *_, value in placed])
    xs, ys = _cells(x), _cells(y)
    across = _distances(x, xs, [a for a, *_ in placed])
    up = _distances(y, ys, [b for _, b, _ in placed])
    z = [_smoothed(across**2 + row**2, values) for row in up]
    return Surface([x.coordinate_at(at) for at in xs], [y.coordinate_at(at) for at in ys], z)


def _smoothed(squared: Any, values: Any) -> list[float | None]:
    """One row of the surface.

    Args:
        squared: distances of (cells, trials).
        values: of the trials.
    """
    nearest = squared.min(axis=1, initial=math.inf)
    with np.errstate(invalid="ignore"):
        # relative to the nearest trial, so that no weight is lost to rounding
        weights = np.exp((nearest[:, None] - squared) / (2 * _BANDWIDTH**2))
        smooth = weights @ values / weights.sum(axis=1)
    return [
        float(value) if distance <= _NEAR**2 else None
        for value, distance in zip(smooth, nearest, strict=True)
    ]


def _cells(dim: Dimension) -> list[float]:
    if dim.choices:
        return [at for choice in dim.choices if (at := dim.scaled(choice)) is not None]
    return [float(at) for at in np.linspace(0, 1, _CELLS)]


def _distances(dim: Dimension, cells: Sequence[float], places: Sequence[float]) -> Any:
    """(cells, places) in shares of the range; a trial with another choice is never near."""
    distance = np.abs(np.asarray(cells)[:, None] - np.asarray(places)[None, :])
    return np.where(distance > 0, math.inf, 0.0) if dim.choices else distance


def _finding(data: StudyData, dims: Sequence[Dimension]) -> str:
    best = data.ranked[0]
    word = "Lowest" if data.is_minimized else "Highest"
    near = " and ".join(
        f"{dim.label} {format_value(best.params[dim.path])}"
        for dim in dims[:2]
        if dim.path in best.params
    )
    return f"{word} {data.metric} at {near}" if near else f"{data.metric} over pairs of parameters"


def _draw(
    data: StudyData, points: Sequence[Point], pairs: Sequence[tuple[Dimension, Dimension]]
) -> go.Figure:
    axis = value_axis(data.metric, data.record.direction, [point.value for point in points])
    figure = panels(len(pairs))
    for index, (x, y) in enumerate(pairs):
        x_name, y_name = axes_of(index)
        filled = _filled(surface(points, axis, x, y), x, y)
        # each its own copy of one scale: Plotly refuses a colour axis to contours beside cells
        filled.update(_colours(data, axis), showscale=index == 0)
        for trace in (filled, *_marks(points, x, y), _star(data, x, y)):
            figure.add_trace(trace.update(xaxis=x_name, yaxis=y_name))
        plain = {"showgrid": False}
        set_axes(figure, index, {**_tight(x), **plain}, {**_tight(y), **plain})
    figure.update_layout(margin={"r": 80})
    return figure


def _tight(dim: Dimension) -> dict[str, Any]:
    """The axis without its margin, so that the filled area touches the frame."""
    axis = dim.axis()
    if dim.choices:
        return axis
    ends = [dim.coordinate_at(0.0), dim.coordinate_at(1.0)]
    return {**axis, "range": [math.log10(end) for end in ends] if dim.is_log else ends}


def _filled(area: Surface, x: Dimension, y: Dimension) -> go.Contour | go.Heatmap:
    """Between choices there is nothing: where one of the two is a choice, cells in place of
    lines."""
    shown = {"x": area.x, "y": area.y, "z": area.z, "hoverinfo": "skip"}
    if x.choices or y.choices:
        return go.Heatmap(**shown, xgap=2 if x.choices else 0, ygap=2 if y.choices else 0)
    return go.Contour(**shown, line={"width": 0.4, "color": PAPER}, ncontours=14)


def _marks(points: Sequence[Point], x: Dimension, y: Dimension) -> list[go.Scatter]:
    """Dots for the complete trials, triangles for the pruned ones."""
    placed = [
        point
        for point in points
        if x.coordinate_in(point.trial.params) is not None
        and y.coordinate_in(point.trial.params) is not None
    ]
    complete = [point for point in placed if not point.is_pruned]
    pruned = [point for point in placed if point.is_pruned]
    return [
        _markers(complete, (x, y), {"size": 5, "color": INK, "symbol": "circle"}),
        _markers(pruned, (x, y), {"size": 6, "color": MUTED, "symbol": OUTCOMES["pruned"].symbol}),
    ]


def _markers(
    points: Sequence[Point], dims: tuple[Dimension, Dimension], marker: dict[str, Any]
) -> go.Scatter:
    x, y = dims
    return go.Scatter(
        x=[x.coordinate_in(point.trial.params) for point in points],
        y=[y.coordinate_in(point.trial.params) for point in points],
        mode="markers",
        cliponaxis=False,
        marker={**marker, "opacity": 0.75, "line": {"color": PAPER, "width": 0.8}},
        customdata=[point.trial.number for point in points],
        text=[_hover(point, dims) for point in points],
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


def _hover(point: Point, dims: Sequence[Dimension]) -> str:
    word = "pruned at " if point.is_pruned else ""
    lines = [f"trial {point.trial.number}: {word}{format_number(point.value)}"]
    for dim in dims:
        lines.append(figure_text(f"{dim.label} = {format_value(point.trial.params[dim.path])}"))
    return "<br>".join(lines)


def _colours(data: StudyData, axis: ValueAxis) -> dict[str, Any]:
    low, high = (axis.transformed(end) for end in (axis.low, axis.high))
    places = [low + (high - low) * part / 4 for part in range(5)]
    shown = [10**place if axis.is_log else place for place in places]
    return {
        "colorscale": colorscale(),
        "reversescale": data.is_minimized,
        "zmin": low,
        "zmax": high,
        "colorbar": {
            "thickness": 12,
            "outlinewidth": 0,
            "tickvals": places,
            "ticktext": [f"{value:.3g}" for value in shown],
            "tickfont": {"color": MUTED, "size": 11},
            "title": {"text": figure_text(data.metric), "font": {"color": MUTED, "size": 12}},
        },
    }
