"""The figures by name, and each of them on its own as an object, JSON or a page."""

from __future__ import annotations

from collections.abc import Callable

from plotly import graph_objects as go

from search.errors import UserError
from search.plain.wording import did_you_mean
from search.report.data import Plot, StudyData
from search.report.figure_text import figure_text
from search.report.figures.contour import contour
from search.report.figures.history import history
from search.report.figures.importance import importance
from search.report.figures.intermediate import intermediate
from search.report.figures.marks import new_figure
from search.report.figures.parallel import parallel
from search.report.figures.pareto import pareto
from search.report.figures.slices import slices
from search.report.figures.timeline import timeline
from search.report.palette import MUTED
from search.store.records import StudyRecord

# Each gives a Plot for any study, an empty one included, never raises for lack of data, and
# escapes every text that it puts into a figure.
FIGURES: dict[str, Callable[[StudyData], Plot]] = {
    "pareto": pareto,
    "history": history,
    "importance": importance,
    "intermediate": intermediate,
    "slice": slices,
    "parallel": parallel,
    "contour": contour,
    "timeline": timeline,
}

# of several objectives the page shows these for each; the others are of one, see `data_for`
EACH_OBJECTIVE = ("history", "importance", "slice")

_TITLE_PX = 36
_TITLE_LENGTH = 110


def figure(record: StudyRecord, name: str) -> go.Figure:
    """One figure of a study, titled with what it shows.

    Args:
        record: the study.
        name: a key of `FIGURES`.

    Returns:
        The figure; with too little data, one that holds only a sentence saying so.

    Raises:
        UserError: there is no figure of that name.
    """
    plot = plot_named(record, name)
    if plot.figure is None:
        return _sentence(plot.finding)
    height = plot.figure.layout.height + _TITLE_PX
    plot.figure.update_layout(
        title={"text": figure_text(plot.finding, _TITLE_LENGTH), "yref": "container", "y": 0.97},
        height=height,
        margin={"t": _TITLE_PX + 44},
    )
    return plot.figure


def figure_json(record: StudyRecord, name: str) -> str:
    """The figure as Plotly's JSON (`data` and `layout`); raises as `figure` does."""
    return str(figure(record, name).to_json())


def plot_named(record: StudyRecord, name: str) -> Plot:
    """The plot of that name; raises UserError where there is none."""
    if name not in FIGURES:
        raise UserError(f"figure: there is no {name}. {did_you_mean(name, FIGURES)}")
    return FIGURES[name](data_for(record, name))


def data_for(record: StudyRecord, name: str, objective: int = 0) -> StudyData:
    """The study with the one objective that the figure is about."""
    if name in ("pareto", "timeline"):
        return StudyData(record)
    index = record.reported_index if name == "intermediate" else objective
    return StudyData(record.of_objective(index))


def _sentence(text: str) -> go.Figure:
    sentence = {
        "text": figure_text(text, _TITLE_LENGTH),
        "showarrow": False,
        "x": 0.5,
        "y": 0.5,
        "xref": "paper",
        "yref": "paper",
        "font": {"size": 14, "color": MUTED},
    }
    return new_figure(
        240, xaxis={"visible": False}, yaxis={"visible": False}, annotations=[sentence]
    )
