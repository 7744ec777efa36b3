"""Contours: the metric over pairs of the parameters that explain most."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from plotly import graph_objects as go

from search.plain.formats import format_number, format_value
from search.report.data import Plot, Point, StudyData, points_of, score
from search.report.dimensions import Dimension
from search.report.figure_text import figure_text, hover_text
from search.report.figures.marks import Dot, dots, star
from search.report.figures.panels import draw_panel, panels
from search.report.palette import INK, MUTED, OUTCOMES, PAPER, colorscale
from search.report.sample import sample, sample_note
from search.report.value_axis import ValueAxis, value_axis

MIN_TRIALS = 5
_DIMENSIONS = 3
_CELLS = 48
_BANDWIDTH = 0.09
# of the range of an axis: as far around a trial as its value may stand for others
_NEAR = 0.15


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
    points = shown_points(data)
    pruned = ""
    if any(point.is_pruned for point in points):
        pruned = " and pruned ones (triangles) at the last value that they reported"
    note = (
        f"Smoothed from complete trials (dots){pruned}; blank where no trial is near. The star is "
        "the best. Darker blue is better, brighter on a dark screen."
    )
    if len(data.varied) > _DIMENSIONS:
        note += f" {data.shown(_DIMENSIONS, len(data.varied))}"
    drawn = {trial.number for trial in sample((p.trial for p in points), data.ranked)}
    note += sample_note(len(drawn), len(points))
    return Plot(_finding(data, dims), _draw(data, points, drawn, list(combinations(dims, 2))), note)


def shown_points(data: StudyData) -> list[Point]:
    """Complete, feasible trials, and pruned ones that reported anything, by number."""
    pruned = [trial for trial in data.record.trials if trial.state == "PRUNED"]
    return points_of([*data.scored, *pruned])


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
    data: StudyData,
    points: Sequence[Point],
    drawn: Collection[int],
    pairs: Sequence[tuple[Dimension, Dimension]],
) -> go.Figure:
    """The panels: smoothed from all points, with marks for the trials whose numbers are drawn."""
    marked = [point for point in points if point.trial.number in drawn]
    axis = value_axis(data.metric, data.record.direction, [point.value for point in points])
    figure = panels(len(pairs))
    best = data.ranked[0].params
    for index, (x, y) in enumerate(pairs):
        filled = _filled(surface(points, axis, x, y), x, y)
        # each its own copy of one scale: Plotly refuses a colour axis to contours beside cells
        filled.update(_colours(data, axis), showscale=index == 0)
        best_star = star(x.coordinate_in(best), y.coordinate_in(best), cliponaxis=False)
        traces = (filled, *_marks(marked, x, y), best_star)
        draw_panel(figure, index, traces, _tight(x), {**_tight(y), "showgrid": False})
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
    looks = (
        (False, {"size": 5, "color": INK, "symbol": "circle"}),
        (True, {"size": 6, "color": MUTED, "symbol": OUTCOMES["pruned"].symbol}),
    )
    shared = {"opacity": 0.75, "line": {"color": PAPER, "width": 0.8}}
    traces = []
    for is_pruned, look in looks:
        group = [point for point in points if point.is_pruned == is_pruned]
        placed = [dot for point in group if (dot := _dot(point, x, y)) is not None]
        traces.append(dots(placed, cliponaxis=False, marker={**look, **shared}))
    return traces


def _dot(point: Point, x: Dimension, y: Dimension) -> Dot | None:
    params = point.trial.params
    across, up = x.coordinate_in(params), y.coordinate_in(params)
    if across is None or up is None:
        return None
    number = point.trial.number
    word = "pruned at " if point.is_pruned else ""
    heading = f"trial {number}: {word}{format_number(point.value)}"
    return Dot(across, up, number, hover_text(heading, x.pair_in(params), y.pair_in(params)))


def _colours(data: StudyData, axis: ValueAxis) -> dict[str, Any]:
    low, high = axis.ends
    places = [low + (high - low) * part / 4 for part in range(5)]
    return {
        "colorscale": colorscale(),
        "reversescale": data.is_minimized,
        "zmin": low,
        "zmax": high,
        "colorbar": {
            "thickness": 12,
            "outlinewidth": 0,
            "tickvals": places,
            "ticktext": [f"{axis.value_at(place):.3g}" for place in places],
            "tickfont": {"color": MUTED, "size": 11},
            "title": {"text": figure_text(data.metric), "font": {"color": MUTED, "size": 12}},
        },
    }
