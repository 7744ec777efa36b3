"""Intermediate values: the metric of each trial, validation by validation."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from plotly import graph_objects as go

from search.plain.formats import format_count, format_percent
from search.report.data import Plot, StudyData, finite_curve
from search.report.figures.marks import new_figure
from search.report.palette import HIGHLIGHT, Look, by_outcome, outcome_key
from search.report.sample import sample, sample_note
from search.report.value_axis import ValueAxis, value_axis
from search.store.records import TrialRecord
from search.study_file.curve_steps import step_text, step_title

_MAX_POINTS = 200
_MAX_CURVES = 300

Curve = list[tuple[int, float]]


def intermediate(data: StudyData) -> Plot:
    """All curves, grouped by how their trials ended; the best trial's on top."""
    curves = {t.number: c for t in data.record.trials if (c := finite_curve(t))}
    if not curves:
        return Plot("The curves appear once a trial has reported its first validation.")
    shown = _chosen(data, curves)
    axis = _axis(data, curves)
    note = "One line a trial; a marker where one was cut short."
    note += axis.clipping_note(value for number in shown for _, value in curves[number])
    note += sample_note(len(shown), len(curves))
    return Plot(_finding(data, curves), _draw(data, shown, curves, axis), note)


def _axis(data: StudyData, curves: dict[int, Curve]) -> ValueAxis:
    """The axis for all curves but those of failed trials, whose values are often wild."""
    failed = {t.number for t in data.record.trials if t.state == "FAIL"}
    used = [curve for number, curve in curves.items() if number not in failed]
    values = [value for curve in used or curves.values() for _, value in curve]
    return value_axis(data.metric, data.record.direction, values)


def _chosen(data: StudyData, curves: dict[int, Curve]) -> set[int]:
    """The trials whose curves are drawn."""
    trials = [trial for trial in data.record.trials if trial.number in curves]
    return {trial.number for trial in sample(trials, data.ranked, _MAX_CURVES)}


def _finding(data: StudyData, curves: dict[int, Curve]) -> str:
    pruned = [t for t in data.record.trials if t.state == "PRUNED" and t.number in curves]
    if not pruned:
        best = data.ranked[0].number if data.ranked else None
        if best in curves:
            at, _ = (min if data.is_minimized else max)(curves[best], key=lambda point: point[1])
            place = step_text(data.record.steps, at)
            return f"The best trial reached its value at {place} of {curves[best][-1][0]:,}"
        return f"{format_count(len(curves), 'trial')} reported {data.metric}"
    longest = max(curve[-1][0] for curve in curves.values())
    typical = median(curves[t.number][-1][0] for t in pruned)
    saved = sum(longest - curves[t.number][-1][0] for t in pruned)
    share = saved / (longest * len(curves))
    place = step_text(data.record.steps, typical)
    text = f"{format_count(len(pruned), 'trial')} pruned, typically at {place}"
    return f"{text} of {longest:,}: {format_percent(share)} of all training saved"


def _draw(data: StudyData, shown: set[int], curves: dict[int, Curve], axis: ValueAxis) -> go.Figure:
    figure = new_figure(400)
    best = data.ranked[0].number if data.ranked else None
    trials = [t for t in data.record.trials if t.number in shown and t.number != best]
    # pruned ones first, so that they lie below the others
    for key, outcome, group in sorted(
        by_outcome(trials, outcome_key), key=lambda found: found[0] != "pruned"
    ):
        figure.add_traces(_group(key, outcome, group, curves, axis))
    if best is not None and best in shown:
        figure.add_trace(_best(best, curves[best], axis))
    longest = max(curves[number][-1][0] for number in shown)
    ticks = {"tickvals": list(range(1, longest + 1))} if longest <= 12 else {}
    title = step_title(data.record.steps)
    figure.update_traces(hovertemplate=_HOVER.replace("{title}", title))
    figure.update_xaxes(title_text=title, range=_reach(longest), showgrid=False, **ticks)
    figure.update_yaxes(**axis.settings())
    return figure


def _reach(longest: int) -> list[float]:
    pad = 0.02 * longest + 0.1
    return [1 - pad, longest + pad]


def _group(
    key: str,
    outcome: Look,
    trials: Sequence[TrialRecord],
    curves: dict[int, Curve],
    axis: ValueAxis,
) -> list[go.Scatter]:
    """One trace for all curves of an outcome, and one for the markers at their ends.

    Gaps keep the curves apart: a trace for each trial would take seconds to draw.
    """
    points: list[tuple[int | None, float | None, int]] = []
    for trial in trials:
        points += [(x, axis.clip(y), trial.number) for x, y in _thinned(curves[trial.number])]
        points.append((None, None, trial.number))
    lines = go.Scatter(
        x=[x for x, _, _ in points],
        y=[y for _, y, _ in points],
        customdata=[number for _, _, number in points],
        mode="lines",
        name=outcome.word,
        legendgroup=key,
        line={"color": outcome.colour, "width": 1.2},
        opacity=0.65 if key == "done" else 0.5,
    )
    if key == "done":
        return [lines]
    last = [(*curves[trial.number][-1], trial.number) for trial in trials]
    ends = go.Scatter(
        x=[x for x, _, _ in last],
        y=[axis.clip(y) for _, y, _ in last],
        customdata=[number for _, _, number in last],
        mode="markers",
        legendgroup=key,
        showlegend=False,
        marker={"symbol": outcome.symbol, "size": 6, "color": outcome.colour, "opacity": 0.8},
    )
    return [lines, ends]


def _best(number: int, curve: Curve, axis: ValueAxis) -> go.Scatter:
    thinned = _thinned(curve)
    return go.Scatter(
        x=[x for x, _ in thinned],
        y=[axis.clip(y) for _, y in thinned],
        customdata=[number] * len(thinned),
        mode="lines+markers" if len(thinned) <= 30 else "lines",
        name=f"best (trial {number})",
        line={"color": HIGHLIGHT, "width": 2.5},
        marker={"size": 5},
    )


def _thinned(curve: Curve) -> Curve:
    if len(curve) <= _MAX_POINTS:
        return curve
    kept = {index * (len(curve) - 1) // (_MAX_POINTS - 1) for index in range(_MAX_POINTS)}
    return [curve[index] for index in sorted(kept)]


_HOVER = "trial %{customdata}<br>{title} %{x}: %{y:.5g}<extra></extra>"
