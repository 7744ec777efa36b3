"""`search report`, and the table of `search export`."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path

from search.commands.locate import load_study
from search.errors import UserError
from search.plain.whole_files import write_whole
from search.plain.wording import did_you_mean


def report_command(
    study: str | None,
    studies: Path,
    storage: str | None,
    *,
    output: Path | None,
    figure_name: str | None,
    figure_format: str,
    open_browser: bool,
) -> None:
    """Write the report, or one figure of it, and say where."""
    from search import report

    if figure_format not in ("html", "json"):
        remedy = did_you_mean(figure_format, ("html", "json"))
        raise UserError(f"--format: must be html or json, got {figure_format}. {remedy}")
    record = load_study(study, studies, storage)
    if figure_name is None:
        text, target = report.build_report(record), output or record.folder / "report.html"
    else:
        render = report.figure_html if figure_format == "html" else report.figure_json
        text = render(record, figure_name)
        target = output or record.folder / f"{figure_name}.{figure_format}"
    _write(target, text)
    print(target)
    if open_browser:
        webbrowser.open(target.absolute().as_uri())


def export_table(
    study: str | None,
    studies: Path,
    storage: str | None,
    *,
    table: str,
    output: Path | None,
) -> None:
    """Write every trial as CSV or JSON."""
    from search import report

    if table not in ("csv", "json"):
        remedy = did_you_mean(table, ("csv", "json"))
        raise UserError(f"--format: must be csv or json, got {table}. {remedy}")
    record = load_study(study, studies, storage)
    text = report.export_csv(record) if table == "csv" else report.export_json(record)
    if output is None:
        sys.stdout.write(text)
    else:
        _write(output, text)
        print(output)


def _write(target: Path, text: str) -> None:
    try:
        write_whole(target, text)
    except OSError as error:
        raise UserError(f"{target}: cannot be written: {error.strerror}. Name another.") from error
