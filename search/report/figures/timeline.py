"""Timeline: which trial ran when, side by side in lanes, coloured by how each attempt ended."""

from __future__ import annotations

from collections.abc import Sequence

from plotly import graph_objects as go

from search.plain.formats import format_count, format_duration
from search.report.data import Plot, StudyData
from search.report.figure_text import hover_text
from search.report.figures.marks import HOVER, new_figure
from search.report.palette import MUTED, OUTCOMES, PAPER, Look, by_outcome
from search.report.sample import sample, sample_note
from search.report.timing import Gap, Span, busy_s, gaps, spans

_GAP_DRAWN = 0.02
# of more bars, the outlines would hide the bars
_OUTLINED = 300
# of the whole width, a pixel or so
_LEAST_DRAWN = 0.0007
_UNITS = ((2 * 3600.0, "hours", 3600.0), (180.0, "minutes", 60.0), (0.0, "seconds", 1.0))


def timeline(data: StudyData) -> Plot:
    """A bar for each attempt; a lane holds attempts that did not overlap."""
    placed = spans(data.record)
    if not placed:
        return Plot("The timeline appears once a trial has started.")
    note = "One bar an attempt; lanes are attempts that ran side by side."
    found = gaps(placed)
    if found:
        note += " Dotted lines: nothing ran, the time is left out."
    drawn = {trial.number for trial in sample(data.record.trials, data.record.ranked)}
    note += sample_note(len(drawn), len(data.record.trials))
    if len(drawn) < len(data.record.trials):
        note += " Bars too thin to be seen are widened."
    figure = _draw(placed, [span for span in placed if span.trial in drawn], found)
    return Plot(_finding(placed), figure, note)


def _finding(placed: Sequence[Span]) -> str:
    busy = busy_s(placed)
    used = sum(span.end_s - span.start_s for span in placed)
    lanes = max(span.lane for span in placed) + 1
    text = f"{format_count(len(placed), 'attempt')} in {format_duration(busy)}"
    if lanes > 1 and busy > 0:
        text += f", {used / busy:.1f} of {lanes} lanes busy on average"
    return text


def _draw(placed: Sequence[Span], drawn: Sequence[Span], found: Sequence[Gap]) -> go.Figure:
    """The lanes of all spans, with bars for those that are drawn."""
    lanes = max(span.lane for span in placed) + 1
    busy = busy_s(placed)
    unit, seconds = next((name, size) for least, name, size in _UNITS if busy >= least)
    figure = new_figure(130 + 44 * min(lanes, 12), barmode="overlay")
    drawn_gap_s = _GAP_DRAWN * busy
    outline_px = 0.7 if len(drawn) <= _OUTLINED else 0
    for key, outcome, group in by_outcome(drawn, lambda span: span.outcome):
        starts_s = [_shift(span.start_s, found, drawn_gap_s) for span in group]
        opacity = 0.55 if key == "running" else 0.9
        bars = _bars(group, starts_s, seconds, outcome)
        if len(drawn) < len(placed):
            bars.x = [max(length, _LEAST_DRAWN * busy / seconds) for length in bars.x]
        bars.marker.line.width = outline_px
        figure.add_trace(bars.update(opacity=opacity))
    _draw_gaps(figure, found, drawn_gap_s, seconds)
    figure.update_xaxes(title_text=f"{unit} since the first start", rangemode="tozero")
    figure.update_yaxes(
        tickvals=list(range(lanes)),
        ticktext=[f"lane {lane + 1}" for lane in range(lanes)],
        range=[lanes - 0.4, -0.75],
        showgrid=False,
        showline=False,
        ticks="",
    )
    return figure


def _draw_gaps(figure: go.Figure, found: Sequence[Gap], drawn_gap_s: float, seconds: float) -> None:
    for gap in found:
        at = (_shift(gap.start_s, found, drawn_gap_s) + drawn_gap_s / 2) / seconds
        figure.add_vline(x=at, line={"color": MUTED, "dash": "dot", "width": 1.5})
        figure.add_annotation(
            x=at,
            y=1,
            yref="paper",
            text=f"idle {format_duration(gap.length_s)}",
            showarrow=False,
            font={"color": MUTED, "size": 11},
            bgcolor=PAPER,
        )


def _shift(start_s: float, found: Sequence[Gap], drawn_gap_s: float) -> float:
    """Seconds on the axis, on which every gap before `start_s` takes only `drawn_gap_s`."""
    passed = [gap for gap in found if gap.start_s < start_s]
    return start_s - sum(gap.length_s - drawn_gap_s for gap in passed)


def _bars(
    group: Sequence[Span], starts_s: Sequence[float], seconds: float, outcome: Look
) -> go.Bar:
    return go.Bar(
        y=[span.lane for span in group],
        base=[start / seconds for start in starts_s],
        x=[(span.end_s - span.start_s) / seconds for span in group],
        orientation="h",
        width=0.7,
        name=outcome.word,
        marker={"color": outcome.colour, "line": {"color": PAPER}},
        customdata=[span.trial for span in group],
        text=[_hover(span) for span in group],
        textposition="none",
        hovertemplate=HOVER,
    )


def _hover(span: Span) -> str:
    again = f" (attempt {span.attempt})" if span.attempt > 1 else ""
    heading = f"trial {span.trial}: {OUTCOMES[span.outcome].word}{again}"
    node = [f"on {span.node}"] if span.node else []
    message = [span.message] if span.message else []
    return hover_text(heading, format_duration(span.end_s - span.start_s), *node, *message)
