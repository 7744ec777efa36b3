"""Optimisation history: every trial's value in order, and the best so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plotly import graph_objects as go

from search.plain.formats import counted, format_number
from search.report.data import Plot, StudyData, finite_curve, score
from search.report.figure_text import figure_text
from search.report.palette import (
    ACCENT,
    BEST_MARKER,
    OUTCOMES,
    outcome_key,
    template,
)
from search.report.value_axis import ValueAxis, value_axis
from search.store.records import TrialRecord


@dataclass(frozen=True)
class Point:
    """One trial: its value (for a pruned or failed one the last that it reported)."""

    trial: TrialRecord
    value: float
    outcome: str


def history(data: StudyData) -> Plot:
    """Values by trial number with a line for the best so far."""
    if not data.scored:
        return Plot("The history appears once a trial is complete.")
    points = _points(data.record.trials)
    # a failed trial's last value is often wild; it must not squeeze the others together
    ranged = [point.value for point in points if point.outcome in ("done", "pruned")]
    axis = value_axis(data.metric, data.record.direction, ranged)
    note = "Line: best so far. Trials that did not complete stand at the last value they reported."
    if any(axis.clip(point.value) != point.value for point in points):
        note += " Values beyond the axis are drawn at its edge."
    return Plot(_finding(data), _draw(data, points, axis), note)


def best_so_far(data: StudyData) -> list[tuple[int, float]]:
    """(trial number, value) each time that a complete trial was better than all before it."""
    steps: list[tuple[int, float]] = []
    for trial in data.scored:
        value = score(trial)
        if not steps or (value < steps[-1][1] if data.is_minimized else value > steps[-1][1]):
            steps.append((trial.number, value))
    return steps


def _points(trials: Sequence[TrialRecord]) -> list[Point]:
    points = []
    for trial in sorted(trials, key=lambda t: t.number):
        curve = finite_curve(trial)
        outcome = outcome_key(trial)
        is_complete = trial.state == "COMPLETE"
        if is_complete and trial.value is not None and abs(trial.value) < float("inf"):
            points.append(Point(trial, trial.value, outcome))
        elif not is_complete and curve:
            points.append(Point(trial, curve[-1][1], outcome))
    return points


def _finding(data: StudyData) -> str:
    best = data.ranked[0]
    later = sum(trial.number > best.number for trial in data.record.trials if trial.is_finished)
    text = f"Best {data.metric} {format_number(best.value)}, found by trial {best.number}"
    return f"{text}; {counted(later, 'trial')} since without a better one" if later else text


def _draw(data: StudyData, points: Sequence[Point], axis: ValueAxis) -> go.Figure:
    figure = go.Figure(layout={"template": template(), "height": 380})
    for key in [key for key in OUTCOMES if any(point.outcome == key for point in points)]:
        figure.add_trace(_markers(key, [p for p in points if p.outcome == key], axis))
    figure.add_trace(_best_line(data, points[-1].trial.number, axis))
    figure.add_trace(_star(data.ranked[0], axis))
    last = points[-1].trial.number
    pad = 0.5 + 0.015 * last
    ticks = {"dtick": 1} if last < 10 else {}
    figure.update_xaxes(title_text="trial", range=[-pad, last + pad], showgrid=False, **ticks)
    figure.update_yaxes(**axis.settings())
    return figure


def _star(best: TrialRecord, axis: ValueAxis) -> go.Scatter:
    return go.Scatter(
        x=[best.number],
        y=[axis.clip(score(best))],
        mode="markers",
        name="best",
        marker=BEST_MARKER,
        customdata=[best.number],
        text=[f"best: trial {best.number}<br>{format_number(best.value)}"],
        hovertemplate="%{text}<extra></extra>",
    )


def _markers(key: str, points: Sequence[Point], axis: ValueAxis) -> go.Scatter:
    outcome = OUTCOMES[key]
    is_done = key == "done"
    return go.Scatter(
        x=[point.trial.number for point in points],
        y=[axis.clip(point.value) for point in points],
        mode="markers",
        name=outcome.word,
        marker={
            "symbol": outcome.symbol,
            "size": 8 if is_done else 7,
            "color": outcome.colour,
            "opacity": 0.85 if is_done else 0.65,
        },
        customdata=[point.trial.number for point in points],
        text=[_hover(point) for point in points],
        hovertemplate="%{text}<extra></extra>",
    )


def _hover(point: Point) -> str:
    lines = [f"trial {point.trial.number}: {OUTCOMES[point.outcome].word}"]
    lines.append(format_number(point.value))
    if point.trial.message:
        lines.append(figure_text(point.trial.message))
    return "<br>".join(lines)


def _best_line(data: StudyData, last: int, axis: ValueAxis) -> go.Scatter:
    steps = best_so_far(data)
    if last > steps[-1][0]:
        steps.append((last, steps[-1][1]))
    return go.Scatter(
        x=[number for number, _ in steps],
        y=[axis.clip(value) for _, value in steps],
        mode="lines",
        name="best so far",
        line={"shape": "hv", "color": ACCENT, "width": 2.5},
        hoverinfo="skip",
    )
