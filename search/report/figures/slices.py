"""Slices: the metric against each parameter on its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from plotly import graph_objects as go

from search.plain.formats import format_number, format_value
from search.report.data import Plot, StudyData, score
from search.report.dimensions import Dimension
from search.report.figure_text import hover_text
from search.report.figures.marks import Dot, dots, star
from search.report.figures.panels import draw_panel, panels
from search.report.palette import PAPER, SCALE, look_of
from search.report.sample import sample, sample_note
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
    note += data.axis.clipping_note(score(trial) for trial in data.scored)
    note += sample_note(len(sample(data.scored, data.ranked)), len(data.scored))
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
    best = data.ranked[0]
    for index, dim in enumerate(dims):
        best_star = star(dim.coordinate_in(best.params), data.axis.clip(score(best)))
        y = {**data.axis.settings(), "range": list(_range(data))}
        if index > 0:
            y["title"] = {"text": ""}
        traces = (_values(data, dim), _rug(data, dim), best_star)
        draw_panel(figure, index, traces, dim.axis(), y)
    return figure


def _values(data: StudyData, dim: Dimension) -> go.Scatter:
    drawn = sample(data.scored, data.ranked)
    placed = _placed(drawn, dim, lambda trial: data.axis.clip(score(trial)))
    marker = {
        "size": 8,
        "color": [dot.trial for dot in placed],
        "colorscale": [(0.0, SCALE[2]), (1.0, SCALE[5])],
        "opacity": 0.85,
        "line": {"color": PAPER, "width": 0.5},
    }
    return dots(placed, marker=marker)


def _rug(data: StudyData, dim: Dimension) -> go.Scatter:
    """Marks at the top of the panel for the trials without a final value."""
    low, high = _range(data)
    top = data.axis.value_at(high - (high - low) * 0.03)
    ended = sample((t for t in data.record.trials if t.state in ("PRUNED", "FAIL")), ())
    with_dim = [trial for trial in ended if dim.coordinate_in(trial.params) is not None]
    looks = [look_of(trial) for trial in with_dim]
    marker = {
        "size": 7,
        "symbol": [look.symbol for look in looks],
        "color": [look.colour for look in looks],
        "opacity": 0.6,
    }
    return dots(_placed(with_dim, dim, lambda trial: top), marker=marker)


def _range(data: StudyData) -> tuple[float, float]:
    """The range of the metric with room for the marks above all dots."""
    low, high = data.axis.range
    return low, high + (high - low) * 0.08


def _placed(
    trials: Sequence[TrialRecord], dim: Dimension, height: Callable[[TrialRecord], float]
) -> list[Dot]:
    """Dots for the trials that have the parameter."""
    return [
        Dot(place, height(trial), trial.number, _hover(trial, dim))
        for trial in trials
        if (place := dim.coordinate_in(trial.params)) is not None
    ]


def _hover(trial: TrialRecord, dim: Dimension) -> str:
    value = [format_number(trial.value)] if trial.state == "COMPLETE" else []
    heading = f"trial {trial.number}: {look_of(trial).word}"
    return hover_text(heading, *value, dim.pair_in(trial.params))
