"""Parameter importance: the share of the metric's variation that each parameter explains."""

from __future__ import annotations

from plotly import graph_objects as go

from search.report.data import Plot, StudyData
from search.report.importances import MIN_TRIALS
from search.report.palette import ACCENT, SOFT, template
from search.report.text import counted, format_percent, plot_text

_ROWS = 15


def importance(data: StudyData) -> Plot:
    """Bars of shares, the largest on top."""
    if not data.varied:
        return Plot("Importance needs trials that are complete and differ in their parameters.")
    if not data.importances:
        count = counted(len(data.scored), "trial")
        return Plot(
            f"Importance needs at least {MIN_TRIALS} complete trials with different values; "
            f"so far {count} {'is' if len(data.scored) == 1 else 'are'} complete."
        )
    rows = _shares(data)
    label, share = rows[0]
    note = (
        f"fANOVA over {counted(len(data.scored), 'complete trial')}, relative to the ranges "
        "searched; pruned, failed and infeasible trials are left out."
    )
    finding = f"{label} explains {format_percent(share)} of the variation in {data.metric}"
    return Plot(finding, _draw(rows), note)


def _shares(data: StudyData) -> list[tuple[str, float]]:
    labels = {dim.path: dim.label for dim in data.dimensions}
    ordered = sorted(data.importances.items(), key=lambda item: -item[1])
    return [(labels[path], share) for path, share in ordered][:_ROWS]


def _draw(rows: list[tuple[str, float]]) -> go.Figure:
    places = list(range(len(rows)))
    shares = [share for _, share in rows]
    figure = go.Figure(
        go.Bar(
            x=shares,
            y=places,
            orientation="h",
            marker={"color": [ACCENT] + [SOFT] * (len(rows) - 1), "cornerradius": 3},
            text=[format_percent(share) for share in shares],
            textposition="outside",
            cliponaxis=False,
            hoverinfo="skip",
            width=0.62,
        ),
        layout={"template": template(), "height": 110 + 40 * len(rows), "showlegend": False},
    )
    figure.update_xaxes(
        tickformat=".0%", range=[0, max(shares) * 1.12], rangemode="tozero", nticks=6
    )
    figure.update_yaxes(
        tickvals=places,
        ticktext=[plot_text(label) for label, _ in rows],
        range=[len(rows) - 0.4, -0.6],
        ticks="",
        showgrid=False,
        showline=False,
    )
    return figure
