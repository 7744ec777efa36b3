"""Parallel coordinates: every complete trial as one line across all parameters.

Drawn with plain lines: Plotly's own parallel coordinates need WebGL and code that is made at run
time, which the page's content security policy forbids.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plotly import graph_objects as go

from search.plain.formats import format_count, format_number, format_value
from search.report.data import Plot, StudyData, score
from search.report.dimensions import Dimension
from search.report.figure_text import figure_text, shorten
from search.report.figures.marks import HOVER, new_figure
from search.report.palette import HIGHLIGHT, LINE, LINES, MUTED, PAPER
from search.report.sample import sample, sample_note
from search.store.records import TrialRecord

_MAX_AXES = 8
_MAX_LINES = 400
_AXIS_PX = 110


def parallel(data: StudyData) -> Plot:
    """One axis a parameter, those with the largest shares first, and the metric last, good values
    on top."""
    if len(data.scored) < 2:
        return Plot("Parallel coordinates need two complete trials.")
    shared = [dim for dim in data.varied if all(dim.path in t.params for t in data.scored)]
    dims = (shared or data.varied)[:_MAX_AXES]
    if not dims:
        return Plot("Parallel coordinates need trials that differ in their parameters.")
    trials = [t for t in data.ranked if _heights(data, dims, t)]
    if not trials:
        return Plot("No complete trial has a value for every parameter.")
    note = "One line a complete trial, the better the stronger its colour; the best in orange."
    if shared and len(shared) < len(data.varied):
        note += " Parameters that only some trials have are left out."
    drawn = {trial.number for trial in sample(trials, trials, _MAX_LINES)}
    note += sample_note(len(drawn), len(trials))
    best_first = [trial for trial in trials if trial.number in drawn]
    return Plot(_finding(data, dims), _draw(data, dims, best_first), note)


def _finding(data: StudyData, dims: Sequence[Dimension]) -> str:
    """The parameter on which the best trials agree most, by the width of their common range."""
    top = data.ranked[: max(3, len(data.ranked) // 5)]
    widths: list[tuple[float, Dimension]] = []
    for dim in dims:
        at = [place for t in top if (place := dim.scaled_in(t.params)) is not None]
        if len(at) == len(top):
            widths.append((max(at) - min(at), dim))
    if not widths or len(data.ranked) < 2 * len(top):
        return f"{format_count(len(data.scored), 'complete trial')}, a line each"
    width, dim = min(widths, key=lambda pair: pair[0])
    if width > 0.6:
        return f"The best {len(top)} trials agree on no single parameter"
    return f"The best {len(top)} trials agree most on {dim.label}"


def _heights(data: StudyData, dims: Sequence[Dimension], trial: TrialRecord) -> list[float]:
    """Height of the line on each axis, 0 to 1; empty where a parameter has no place."""
    heights = [dim.scaled_in(trial.params) for dim in dims]
    if any(height is None for height in heights):
        return []
    low, high = data.axis.ends
    at = data.axis.transformed(score(trial))
    goodness = 0.5 if high == low else (at - low) / (high - low)
    goodness = 1 - goodness if data.is_minimized else goodness
    return [height for height in heights if height is not None] + [goodness]


def _draw(data: StudyData, dims: Sequence[Dimension], trials: Sequence[TrialRecord]) -> go.Figure:
    figure = new_figure(
        430,
        showlegend=False,
        meta={"min_width": (len(dims) + 1) * _AXIS_PX},
        margin={"t": 44, "b": 20, "l": 88, "r": 44},
    )
    # the poorest first, so that better lines lie on top
    for index, colour in enumerate(LINES):
        group = _share(trials, len(LINES) - 1 - index, len(LINES))
        if group:
            figure.add_trace(_lines(data, dims, group, colour, 1.0 + 0.25 * index))
    figure.add_trace(_lines(data, dims, trials[:1], HIGHLIGHT, 3.0))
    _draw_axes(figure, data, dims)
    return figure


def _draw_axes(figure: go.Figure, data: StudyData, dims: Sequence[Dimension]) -> None:
    """An upright line with its name and ticks for each dimension, and one for the metric."""
    labels = [figure_text(shorten(dim.label, 18)) for dim in dims] + [figure_text(data.metric)]
    figure.update_xaxes(
        side="top",
        tickvals=list(range(len(labels))),
        ticktext=[f"<b>{label}</b>" for label in labels],
        range=[-0.12, len(dims) + 0.18],
        showgrid=False,
        showline=False,
        automargin=False,
        tickangle=0,
        ticks="",
    )
    figure.update_yaxes(visible=False, range=[-0.04, 1.04])
    for axis, ticks in enumerate([*map(_dimension_ticks, dims), _value_ticks(data)]):
        figure.add_shape(
            type="line", x0=axis, x1=axis, y0=0, y1=1, line={"color": LINE}, layer="below"
        )
        for height, text in ticks:
            figure.add_annotation(**_tick(axis, height, text))


def _share(ranked: Sequence[TrialRecord], part: int, parts: int) -> list[TrialRecord]:
    return list(ranked[len(ranked) * part // parts : len(ranked) * (part + 1) // parts])


def _lines(
    data: StudyData,
    dims: Sequence[Dimension],
    trials: Sequence[TrialRecord],
    colour: str,
    width: float,
) -> go.Scatter:
    x: list[int | None] = []
    y: list[float | None] = []
    numbers: list[int] = []
    texts: list[str] = []
    for trial in trials:
        heights = _heights(data, dims, trial)
        x += [*range(len(heights)), None]
        y += [*heights, None]
        numbers += [trial.number] * (len(heights) + 1)
        texts += [f"trial {trial.number}: {format_number(trial.value)}"] * (len(heights) + 1)
    return go.Scatter(
        x=x,
        y=y,
        customdata=numbers,
        text=texts,
        mode="lines",
        line={"color": colour, "width": width},
        hovertemplate=HOVER,
    )


def _dimension_ticks(dim: Dimension) -> list[tuple[float, str]]:
    if dim.choices:
        step = -(-len(dim.choices) // 10)
        return [(dim.scaled(c) or 0.0, format_value(c)) for c in dim.choices[::step]]
    return [(at, format_number(_rounded(dim.coordinate_at(at)))) for at in (0.0, 0.5, 1.0)]


def _value_ticks(data: StudyData) -> list[tuple[float, str]]:
    low, high = data.axis.ends
    ticks = []
    for at in (0.0, 0.5, 1.0):
        place = high - at * (high - low) if data.is_minimized else low + at * (high - low)
        ticks.append((at, format_number(_rounded(data.axis.value_at(place)))))
    return ticks


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def _tick(axis: int, height: float, text: str) -> dict[str, Any]:
    return {
        "x": axis,
        "y": height,
        "text": figure_text(shorten(text, 14)),
        "showarrow": False,
        "xanchor": "right",
        "xshift": -5,
        "font": {"color": MUTED, "size": 11},
        "bgcolor": PAPER,
        "opacity": 0.9,
        "borderpad": 1,
    }
