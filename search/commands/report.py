"""`search report`."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from search.commands.options import Storage, StudiesDir, Study, StudyName, one_study
from search.errors import UserError
from search.layout import STUDIES_DIR
from search.plain.wording import did_you_mean
from search.report.figure_names import FIGURE_NAMES


def report(
    study: Study = None,
    option: StudyName = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write.", show_default=False)
    ] = None,
    figure: Annotated[
        str | None,
        typer.Option("--figure", help=f"Only this figure: {', '.join(FIGURE_NAMES)}."),
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", help="Format of a single figure: html or json.")
    ] = "html",
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    storage: Storage = None,
    studies: StudiesDir = STUDIES_DIR,
) -> None:
    """Write the report: one HTML file that opens offline."""
    from search.commands.locate import load_study
    from search.commands.output_file import write_output
    from search.report.all_figures import figure_json
    from search.report.page import build_report, figure_html

    if format_ not in ("html", "json"):
        remedy = did_you_mean(format_, ("html", "json"))
        raise UserError(f"--format: must be html or json, got {format_}. {remedy}")
    record = load_study(one_study(study, option), studies, storage)
    if figure is None:
        text = build_report(record)
        target = output or record.folder / "report.html"
    else:
        render = figure_html if format_ == "html" else figure_json
        text = render(record, figure)
        target = output or record.folder / f"{figure}.{format_}"
    write_output(target, text)
    print(target)
    if open_:
        webbrowser.open(target.absolute().as_uri())
