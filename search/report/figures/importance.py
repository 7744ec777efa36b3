"""Parameter importance: the share of the metric's variation that each parameter explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plotly import graph_objects as go

from search.plain.formats import format_count, format_list, format_percent
from search.report.data import Plot, StudyData
from search.report.fanova import RESAMPLES
from search.report.figure_text import figure_text, hover_text
from search.report.figures.marks import HOVER, new_figure
from search.report.importance_shares import MIN_TRIALS, PERCENT, Importance, groups
from search.report.palette import ACCENT, INK, MUTED, SOFT

_ROWS = 15


@dataclass(frozen=True)
class _Row:
    """A parameter and its shares."""

    label: str
    known: Importance | None
    """None where its importance was not assessed."""
    dashboard: float | None
    """The share that optuna-dashboard shows; None where it shows none."""


def importance(data: StudyData) -> Plot:
    """Bars of shares with their intervals; in order only where those do not overlap."""
    if not data.varied:
        return Plot("Importance needs trials that are complete and differ in their parameters.")
    if not data.importances:
        count = format_count(len(data.scored), "trial")
        return Plot(
            f"Importance needs at least {MIN_TRIALS} complete trials with different values; "
            f"so far {count} {'is' if len(data.scored) == 1 else 'are'} complete."
        )
    leading, *others = groups(data.importances)
    rows = _rows(data, [leading, *others])
    is_known = len(leading) == 1 and len(rows) > 1
    return Plot(_finding(data, leading, bool(others)), _draw(rows, is_known), _note(data, rows))


def _rows(data: StudyData, ordered: Sequence[Sequence[str]]) -> list[_Row]:
    """Group by group, those of a group in the order of the study file; then what is not known."""
    rows = []
    for group in [*ordered, [dim.path for dim in data.varied if dim.path not in data.importances]]:
        for dim in data.dimensions:
            if dim.path in group:
                known = data.importances.get(dim.path)
                rows.append(_Row(dim.label, known, data.dashboard_importances.get(dim.path)))
    return rows[:_ROWS]


def _finding(data: StudyData, leading: Sequence[str], has_others: bool) -> str:
    labels = {dim.path: dim.label for dim in data.dimensions}
    if len(leading) == 1:
        most = ", more than any other" if has_others else ""
        share = data.importances[leading[0]].text
        return f"{labels[leading[0]]} explains {share} of the variation in {data.metric}{most}"
    names = format_list([dim.label for dim in data.dimensions if dim.path in leading], 3)
    return f"No parameter can be said to matter most: the intervals of {names} overlap"


def _note(data: StudyData, rows: Sequence[_Row]) -> str:
    logs = [data.metric] if data.axis.is_log else []
    logs += [dim.label for dim in data.dimensions if dim.path in data.importances and dim.is_log]
    scales = f" On log scales: {format_list(logs, 6)}." if logs else ""
    missing = [row.label for row in rows if row.known is None]
    left_out = f" So is {format_list(missing, 3)}, which not every trial has." if missing else ""
    over = format_count(len(data.scored), "complete trial")
    if len(data.assessed) < len(data.scored):
        over = f"{len(data.assessed):,} of {over}, evenly selected"
    return (
        f"Bars: fANOVA, the share of the variation that a parameter explains by itself, over "
        f"{over}; lines: {PERCENT} % intervals from "
        f"{RESAMPLES} bootstrap resamples.{scales} Pruned, failed and infeasible trials are left "
        f"out.{left_out} Diamonds: what optuna-dashboard shows for this study, PED-ANOVA. The two "
        f"answer different questions: a bar, what changes {data.metric} anywhere in the ranges; a "
        "diamond, in what the best tenth of the trials differs from all others."
    )


def _draw(rows: Sequence[_Row], is_known: bool) -> go.Figure:
    figure = new_figure(150 + 46 * len(rows))
    figure.add_traces([_bars(rows, is_known), _diamonds(rows)])
    reach = max(
        [row.known.high for row in rows if row.known] + [row.dashboard or 0 for row in rows]
    )
    parts = [part / 5 for part in range(6)] if reach > 0.5 else [part / 10 for part in range(6)]
    figure.update_xaxes(tickvals=parts, tickformat=".0%", range=[0, reach * 1.04])
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[_label(row) for row in rows],
        ticklabelstandoff=8,
        range=[len(rows) - 0.4, -0.6],
        ticks="",
        showgrid=False,
        showline=False,
    )
    return figure


def _bars(rows: Sequence[_Row], is_known: bool) -> go.Bar:
    known = [(place, row.known) for place, row in enumerate(rows) if row.known is not None]
    return go.Bar(
        name=f"fANOVA, {PERCENT} % interval",
        x=[each.share for _, each in known],
        y=[place for place, _ in known],
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [each.high - each.share for _, each in known],
            "arrayminus": [each.share - each.low for _, each in known],
            "color": INK,
            "thickness": 1.4,
            "width": 5,
        },
        orientation="h",
        marker={
            "color": [ACCENT if is_known and place == 0 else SOFT for place, _ in known],
            "cornerradius": 3,
        },
        hoverinfo="skip",
        width=0.5,
    )


def _diamonds(rows: Sequence[_Row]) -> go.Scatter:
    shown = [(place, row.dashboard) for place, row in enumerate(rows) if row.dashboard is not None]
    return go.Scatter(
        name="optuna-dashboard, PED-ANOVA",
        x=[share for _, share in shown],
        y=[place for place, _ in shown],
        mode="markers",
        cliponaxis=False,
        marker={"symbol": "diamond-open", "size": 11, "color": MUTED, "line": {"width": 2}},
        text=[hover_text(f"optuna-dashboard: {format_percent(share)}") for _, share in shown],
        hovertemplate=HOVER,
    )


def _label(row: _Row) -> str:
    """The parameter, and below it its share and interval."""
    label = figure_text(row.label)
    return f"{label}<br>{figure_text(row.known.text)}" if row.known else label
