"""Optimisation history: every trial's value in order, and the best so far."""

from __future__ import annotations

from collections.abc import Sequence

from plotly import graph_objects as go

from search.plain.formats import format_count, format_number
from search.report.data import Plot, Point, StudyData, points_of, score
from search.report.figure_text import hover_text
from search.report.figures.marks import HOVER, Dot, dots, new_figure, star
from search.report.palette import ACCENT, Look, by_outcome, look_of, outcome_key
from search.report.sample import sample, sample_note
from search.report.value_axis import ValueAxis, value_axis


def history(data: StudyData) -> Plot:
    """Values by trial number with a line for the best so far."""
    if not data.scored:
        return Plot("The history appears once a trial is complete.")
    points = points_of(data.record.trials)
    # a failed trial's last value is often wild; it must not squeeze the others together
    usual = [point for point in points if outcome_key(point.trial) in ("done", "pruned")]
    axis = value_axis(data.metric, data.record.direction, [point.value for point in usual])
    note = "Line: best so far. Trials that did not complete stand at the last value they reported."
    note += axis.clipping_note(point.value for point in points)
    drawn = points_of(sample((point.trial for point in points), data.ranked))
    note += sample_note(len(drawn), len(points))
    return Plot(_finding(data), _draw(data, drawn, axis), note)


def best_so_far(data: StudyData) -> list[tuple[int, float]]:
    """(trial number, value) each time that a complete trial was better than all before it."""
    steps: list[tuple[int, float]] = []
    for trial in data.scored:
        value = score(trial)
        if not steps or (value < steps[-1][1] if data.is_minimized else value > steps[-1][1]):
            steps.append((trial.number, value))
    return steps


def _finding(data: StudyData) -> str:
    best = data.ranked[0]
    later = sum(trial.number > best.number for trial in data.record.trials if trial.is_finished)
    text = f"Best {data.metric} {format_number(best.value)}, found by trial {best.number}"
    return f"{text}; {format_count(later, 'trial')} since without a better one" if later else text


def _draw(data: StudyData, points: Sequence[Point], axis: ValueAxis) -> go.Figure:
    figure = new_figure(380)
    for key, outcome, group in by_outcome(points, lambda point: outcome_key(point.trial)):
        figure.add_trace(_dots(group, outcome, axis, is_done=key == "done"))
    last = points[-1].trial.number
    figure.add_trace(_best_line(data, last, axis))
    best = data.ranked[0]
    text = hover_text(f"best: trial {best.number}", format_number(best.value))
    shown = {"name": "best", "customdata": [best.number], "text": [text]}
    place = axis.clip(score(best))
    figure.add_trace(star(best.number, place, **shown, hovertemplate=HOVER, hoverinfo=None))
    pad = 0.5 + 0.015 * last
    ticks = {"dtick": 1} if last < 10 else {}
    figure.update_xaxes(title_text="trial", range=[-pad, last + pad], showgrid=False, **ticks)
    figure.update_yaxes(**axis.settings())
    return figure


def _dots(points: Sequence[Point], outcome: Look, axis: ValueAxis, *, is_done: bool) -> go.Scatter:
    placed = [
        Dot(point.trial.number, axis.clip(point.value), point.trial.number, _hover(point))
        for point in points
    ]
    marker = {
        "symbol": outcome.symbol,
        "size": 8 if is_done else 7,
        "color": outcome.colour,
        "opacity": 0.85 if is_done else 0.65,
    }
    return dots(placed, name=outcome.word, marker=marker)


def _hover(point: Point) -> str:
    trial = point.trial
    message = [trial.message] if trial.message else []
    heading = f"trial {trial.number}: {look_of(trial).word}"
    return hover_text(heading, format_number(point.value), *message)


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
