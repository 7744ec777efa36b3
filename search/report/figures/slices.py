"""Slices: the metric against each parameter on its own."""

from __future__ import annotations

from collections.abc import Sequence

from plotly import graph_objects as go

from search.plain.formats import format_number, format_value
from search.report.data import Plot, StudyData, score
from search.report.dimensions import Dimension
from search.report.figure_text import figure_text
from search.report.figures.panels import axes_of, panels, set_axes
from search.report.palette import BEST_MARKER, OUTCOMES, PAPER, SCALE, outcome_key
from search.store.records import TrialRecord

_PANELS = 9
_TOP_SHARE = 10


def slices(data: StudyData) -> Plot:
    """A panel for each searched value, those with the largest shares first."""
    if not data.scored:
        return Plot("The slices appear once a trial is complete.")
    if not data.dimensions:
        return Plot("No parameter was searched.")
    dims = data.by_share(data.dimensions)[:_PANELS]
    note = (
        "Dots are complete trials, later ones in a stronger colour; the star is the best. Marks "
        "along the top edge are trials that were pruned or failed there."
    )
    if any(data.axis.clip(score(trial)) != score(trial) for trial in data.scored):
        note += " Values beyond the axis are drawn at its edge."
    if len(dims) < len(data.dimensions):
        note += f" {data.shown(len(dims), len(data.dimensions))}"
    return Plot(_finding(data), _draw(data, dims), note)


def _finding(data: StudyData) -> str:
    """Where the best tenth of the trials lies in the first parameter that has a range."""
    ranged = [dim for dim in data.varied if not dim.choices]
    top = data.ranked[: max(3, len(data.ranked) // _TOP_SHARE)]
    if len(data.ranked) < 2 * len(top) or not ranged:
        return f"{data.metric} against each parameter"
    dim = ranged[0]
    values = [t.params[dim.path] for t in top if dim.coordinate_in(t.params) is not None]
    if not values:
        return f"{data.metric} against each parameter"
    low, high = format_value(min(values)), format_value(max(values))
    where = f"{dim.label} {low}" if low == high else f"{dim.label} between {low} and {high}"
    return f"The best {len(top)} trials have {where}"


def _draw(data: StudyData, dims: Sequence[Dimension]) -> go.Figure:
    figure = panels(len(dims))
    for index, dim in enumerate(dims):
        x_name, y_name = axes_of(index)
        for trace in (_dots(data, dim), _rug(data, dim), _star(data, dim)):
            figure.add_trace(trace.update(xaxis=x_name, yaxis=y_name))
        y = {**data.axis.settings(), "range": list(_range(data))}
        if index > 0:
            y["title"] = {"text": ""}
        set_axes(figure, index, {**dim.axis(), "showgrid": False}, y)
    return figure


def _dots(data: StudyData, dim: Dimension) -> go.Scatter:
    placed = _placed(data.scored, dim)
    return go.Scatter(
        x=[x for x, _ in placed],
        y=[data.axis.clip(score(trial)) for _, trial in placed],
        mode="markers",
        marker={
            "size": 8,
            "color": [trial.number for _, trial in placed],
            "colorscale": [(0.0, SCALE[2]), (1.0, SCALE[5])],
            "opacity": 0.85,
            "line": {"color": PAPER, "width": 0.5},
        },
        customdata=[trial.number for _, trial in placed],
        text=[_hover(trial, dim) for _, trial in placed],
        hovertemplate="%{text}<extra></extra>",
    )


def _rug(data: StudyData, dim: Dimension) -> go.Scatter:
    """Marks at the top of the panel for the trials without a final value."""
    ended = [t for t in data.record.trials if t.state in ("PRUNED", "FAIL")]
    placed = _placed(ended, dim)
    low, high = _range(data)
    top = high - (high - low) * 0.03
    return go.Scatter(
        x=[x for x, _ in placed],
        y=[10**top if data.axis.is_log else top] * len(placed),
        mode="markers",
        marker={
            "size": 7,
            "symbol": [OUTCOMES[outcome_key(trial)].symbol for _, trial in placed],
            "color": [OUTCOMES[outcome_key(trial)].colour for _, trial in placed],
            "opacity": 0.6,
        },
        customdata=[trial.number for _, trial in placed],
        text=[_hover(trial, dim) for _, trial in placed],
        hovertemplate="%{text}<extra></extra>",
    )


def _range(data: StudyData) -> tuple[float, float]:
    """The range of the metric with room for the marks above all dots."""
    low, high = data.axis.range
    return low, high + (high - low) * 0.08


def _star(data: StudyData, dim: Dimension) -> go.Scatter:
    placed = _placed(data.ranked[:1], dim)
    return go.Scatter(
        x=[x for x, _ in placed],
        y=[data.axis.clip(score(trial)) for _, trial in placed],
        mode="markers",
        marker=BEST_MARKER,
        hoverinfo="skip",
    )


def _placed(trials: Sequence[TrialRecord], dim: Dimension) -> list[tuple[float, TrialRecord]]:
    places = ((dim.coordinate_in(trial.params), trial) for trial in trials)
    return [(place, trial) for place, trial in places if place is not None]


def _hover(trial: TrialRecord, dim: Dimension) -> str:
    lines = [f"trial {trial.number}: {OUTCOMES[outcome_key(trial)].word}"]
    if trial.state == "COMPLETE":
        lines.append(format_number(trial.value))
    shown = figure_text(f"{dim.label} = {format_value(trial.params.get(dim.path))}")
    return "<br>".join([*lines, shown])
