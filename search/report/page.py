"""The report as one HTML page, complete in itself.

The content security policy names the two scripts by their digests, so nothing that a trial put
into the page can run, and nothing is ever loaded from outside.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape
from plotly.offline import get_plotlyjs

from search.layout import StudyFolder
from search.plain.formats import format_number
from search.report.all_figures import EACH_OBJECTIVE, FIGURES, data_for, plot_named
from search.report.data import Plot, StudyData
from search.report.palette import DARK, OUTCOMES
from search.report.summary import parameter_rows, summarise, trials_heading
from search.report.trial_rows import columns, row_tree, rows
from search.store.provenance.record import read_provenance, summary
from search.store.records import StudyRecord

# in the order of reading, each with the question that it answers
_HEADINGS = {
    "pareto": "Pareto front",
    "history": "History",
    "importance": "Importance",
    "intermediate": "Learning curves",
    "slice": "Each parameter",
    "parallel": "All parameters together",
    "contour": "Pairs of parameters",
    "timeline": "Timeline",
}


# of the table of trials; those of the first page are there without JavaScript, too
PAGE_ROWS = 200


@dataclass(frozen=True)
class Panel:
    """A figure as the page shows it; `json` is None where there is nothing to draw."""

    name: str
    heading: str
    finding: str
    note: str
    json: Markup | None
    height: int


def build_report(record: StudyRecord) -> str:
    """The report of a study as a complete HTML page that opens offline.

    Args:
        record: the study, with any number of trials, also none.
    """
    data = StudyData(record)
    shown, table = columns(data), rows(data)
    return _render(
        "page.html.j2",
        record=record,
        summary=summarise(data),
        parameters=parameter_rows(data),
        panels=_panels(data),
        columns=shown,
        rows=table[:PAGE_ROWS],
        page_rows=PAGE_ROWS,
        table=_for_script(_compact([row_tree(row, shown) for row in table])),
        trials_heading=trials_heading(record),
        made=summary(made) if (made := read_provenance(StudyFolder(record.folder))) else (),
    )


def figure_html(record: StudyRecord, name: str) -> str:
    """One figure as a complete HTML page that opens offline.

    Args:
        record: the study.
        name: a key of `FIGURES`.

    Raises:
        UserError: there is no figure of that name.
    """
    plot = plot_named(record, name)
    return _render("figure.html.j2", record=record, panel=_panel(name, _HEADINGS[name], plot))


def _panels(data: StudyData) -> list[Panel]:
    """Every figure that says something of the study; some of them for each objective."""
    record = data.record
    if not record.is_multi_objective:
        names = [name for name in FIGURES if name != "pareto"]
        return [_panel(name, _HEADINGS[name], FIGURES[name](data)) for name in names]
    panels = []
    for name in FIGURES:
        count = len(record.objectives) if name in EACH_OBJECTIVE else 1
        for index in range(count):
            its_data = data_for(record, name, index)
            shown = f": {its_data.metric}" if count > 1 else ""
            plot = FIGURES[name](its_data)
            panels.append(
                _panel(f"{name}-{index}" if index else name, _HEADINGS[name] + shown, plot)
            )
    return panels


def _panel(name: str, heading: str, plot: Plot) -> Panel:
    figure = plot.figure
    return Panel(
        name=name,
        heading=heading,
        finding=plot.finding,
        note=plot.note,
        json=None if figure is None else _for_script(str(figure.to_json())),
        height=0 if figure is None else int(figure.layout.height),
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("search.report", ""),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": format_number, "breakable": _breakable}
    return environment


def _render(template: str, **context: Any) -> str:
    page_js, plotly_js = _asset("page.js"), _plotly_js()
    page = _environment().get_template(template)
    return page.render(
        css=Markup(_asset("page.css")),
        page_js=Markup(page_js),
        plotly_js=Markup(plotly_js),
        script_digests=Markup(f"{_digest(plotly_js)} {_digest(page_js)}"),
        dark=_for_script(json.dumps(DARK)),
        dark_colours=DARK,
        outcomes=OUTCOMES,
        **context,
    )


@lru_cache(maxsize=1)
def _plotly_js() -> str:
    # an inline script must not hold its own end tag
    return str(get_plotlyjs()).replace("</script", "<\\/script")


def _asset(name: str) -> str:
    return resources.files("search.report").joinpath(name).read_text(encoding="utf-8")


def _breakable(name: str) -> Markup:
    """A name that may go on in the next line after an underscore, a dot, or a hyphen within it."""
    text = str(escape(name)).replace("_", "_<wbr>").replace(".", ".<wbr>")
    # a browser breaks a line after the hyphens that an option begins with
    return Markup(re.sub(r"(?<![\w-])--?[\w]+", r'<span class="option">\g<0></span>', text))


def _digest(script: str) -> str:
    """The source expression for an inline script, https://www.w3.org/TR/CSP3/#grammardef-hash-source."""
    # browsers hash what they parsed: with line feeds only
    parsed = script.replace("\r\n", "\n").replace("\r", "\n")
    digest = hashlib.sha256(parsed.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _compact(tree: object) -> str:
    return json.dumps(tree, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _for_script(text: str) -> Markup:
    """JSON that can stand in a script element: what could end the element is escaped."""
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
