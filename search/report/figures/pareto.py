"""The Pareto front: complete trials by their objectives, and those that none is better than."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from plotly import graph_objects as go

from search.plain.formats import format_count
from search.report.data import Plot, StudyData, is_finite
from search.report.figure_text import hover_text
from search.report.figures.marks import Dot, dots, new_figure
from search.report.figures.panels import draw_panel, panels
from search.report.palette import HIGHLIGHT, PAPER, by_outcome, outcome_key
from search.report.sample import sample, sample_note
from search.report.value_axis import ValueAxis, value_axis
from search.store.records import StudyRecord, TrialRecord
from search.study_file.outcome_constraints import format_outcome

_MAX_PANELS = 6


def pareto(data: StudyData) -> Plot:
    """The two objectives against each other; of more than two, a panel for each pair."""
    record = data.record
    if not record.is_multi_objective:
        return Plot("A Pareto front needs several objectives.")
    complete = [t for t in record.trials if t.values and all(map(is_finite, t.values))]
    trials = sample(complete, record.front)
    if not record.front:
        return Plot("The Pareto front appears once a trial is complete.")
    note = "Dots are complete trials; none is better in every objective than those in orange."
    note += sample_note(len(trials), len(complete))
    if len(record.objectives) == 2:
        return Plot(_finding(record), _two(record, trials), note)
    pairs = list(combinations(range(len(record.objectives)), 2))[:_MAX_PANELS]
    note += " A trial may be on the front for an objective that its panel does not show."
    return Plot(_finding(record), _pairs(record, trials, pairs), note)


def _finding(record: StudyRecord) -> str:
    front = record.front
    complete = sum(trial.state == "COMPLETE" for trial in record.trials)
    text = f"{len(front)} of {format_count(complete, 'complete trial')} on the front"
    if len(front) == 1:
        return text
    ranges = []
    for index, each in enumerate(record.objectives):
        values = [trial.values[index] for trial in front]
        low, high = (format_outcome(each.metric, end) for end in (min(values), max(values)))
        ranges.append(f"{each.metric} {low} to {high}")
    return f"{text}: {', '.join(ranges)}"


def _two(record: StudyRecord, trials: Sequence[TrialRecord]) -> go.Figure:
    figure = new_figure(430)
    x, y = _axes(record, trials)
    figure.add_traces(_traces(record, trials, (0, 1), (x, y)))
    front = sorted(record.front, key=lambda trial: trial.values[0])
    # the edge of what was reached: the next value of y is only had for a worse x
    shape = "hv" if record.objectives[0].direction == "minimize" else "vh"
    figure.add_trace(
        go.Scatter(
            x=[x.clip(trial.values[0]) for trial in front],
            y=[y.clip(trial.values[1]) for trial in front],
            mode="lines",
            showlegend=False,
            line={"shape": shape, "color": HIGHLIGHT, "width": 1.5},
            hoverinfo="skip",
        )
    )
    figure.update_xaxes(**x.settings(), showgrid=False)
    figure.update_yaxes(**y.settings())
    return figure


def _pairs(
    record: StudyRecord, trials: Sequence[TrialRecord], pairs: Sequence[tuple[int, int]]
) -> go.Figure:
    figure = panels(len(pairs))
    axes = _axes(record, trials)
    for panel, pair in enumerate(pairs):
        x, y = axes[pair[0]], axes[pair[1]]
        traces = _traces(record, trials, pair, (x, y))
        draw_panel(figure, panel, traces, x.settings(), y.settings())
    return figure


def _axes(record: StudyRecord, trials: Sequence[TrialRecord]) -> list[ValueAxis]:
    """An axis for each objective; the whole front lies within, be its ends wild or not."""
    axes = []
    for index, each in enumerate(record.objectives):
        axis = value_axis(each.metric, each.direction, [trial.values[index] for trial in trials])
        ends = [axis.low, axis.high, *(trial.values[index] for trial in record.front)]
        axes.append(replace(axis, low=min(ends), high=max(ends)))
    return axes


def _traces(
    record: StudyRecord,
    trials: Sequence[TrialRecord],
    pair: tuple[int, int],
    axes: tuple[ValueAxis, ValueAxis],
) -> list[go.Scatter]:
    """Dots of one outcome each, then the front on top."""

    def placed(group: Sequence[TrialRecord]) -> list[Dot]:
        x, y = axes
        return [
            Dot(
                x.clip(trial.values[pair[0]]),
                y.clip(trial.values[pair[1]]),
                trial.number,
                _hover(record, trial),
            )
            for trial in group
        ]

    numbers = {trial.number for trial in record.front}
    front = [trial for trial in trials if trial.number in numbers]
    others = [trial for trial in trials if trial.number not in numbers]
    traces = []
    for _, outcome, group in by_outcome(others, outcome_key):
        marker = {"symbol": outcome.symbol, "color": outcome.colour, "size": 8}
        traces.append(dots(placed(group), name=outcome.word, marker=marker, opacity=0.7))
    marker = {"size": 11, "color": HIGHLIGHT, "line": {"color": PAPER, "width": 1.5}}
    return [*traces, dots(placed(front), name="Pareto front", marker=marker)]


def _hover(record: StudyRecord, trial: TrialRecord) -> str:
    lines = [
        f"{each.metric} {format_outcome(each.metric, value)}"
        for each, value in zip(record.objectives, trial.values, strict=True)
    ]
    lines += [f"violates {constraint}" for constraint in trial.infeasible]
    return hover_text(f"trial {trial.number}", *lines)
