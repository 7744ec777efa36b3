"""Verbs that look at what is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from search.commands.naming import one_study
from search.verbs.options import (
    DEFAULT_DIR,
    Json,
    Storage,
    StudiesDir,
    Study,
    StudyName,
)


def status(
    study: Annotated[
        str | None,
        typer.Argument(
            help="Name or folder of one study; all here without.",
            metavar="STUDY",
            show_default=False,
        ),
    ] = None,
    option: StudyName = None,
    studies: StudiesDir = DEFAULT_DIR,
    json: Json = False,
) -> None:
    """List the studies here: state, trials, best value, time."""
    from search.commands.inspect import status_command

    status_command(one_study(study, option), studies, json=json)


def show(
    study: Study = None,
    number: Annotated[
        str | None, typer.Argument(help="Number of the trial.", metavar="N", show_default=False)
    ] = None,
    option: StudyName = None,
    storage: Storage = None,
    studies: StudiesDir = DEFAULT_DIR,
    json: Json = False,
) -> None:
    """Show one trial: parameters, curve, cause, attempts, files."""
    from search.commands.inspect import show_command

    show_command(
        [each for each in (study, number) if each is not None], option, studies, storage, json=json
    )


def best(
    study: Study = None,
    option: StudyName = None,
    storage: Storage = None,
    studies: StudiesDir = DEFAULT_DIR,
    json: Json = False,
) -> None:
    """Show the best trial, or the Pareto front: parameters, values, checkpoint."""
    from search.commands.inspect import best_command

    best_command(one_study(study, option), studies, storage, json=json)


def report(
    study: Study = None,
    option: StudyName = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write.", show_default=False)
    ] = None,
    figure: Annotated[
        str | None,
        typer.Option(
            "--figure",
            help="Only this figure: history, importance, intermediate, slice, parallel, contour, "
            "timeline, pareto.",
        ),
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", help="Format of a single figure: html or json.")
    ] = "html",
    open_: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    storage: Storage = None,
    studies: StudiesDir = DEFAULT_DIR,
) -> None:
    """Write the report: one HTML file that opens offline."""
    from search.commands.report import report_command

    report_command(
        one_study(study, option),
        studies,
        storage,
        output=output,
        figure_name=figure,
        figure_format=format_,
        open_browser=open_,
    )


def dashboard(
    study: Study = None,
    option: StudyName = None,
    port: Annotated[
        int, typer.Option("--port", help="Port to listen on.", min=1, max=65535)
    ] = 8080,
    live: Annotated[
        bool, typer.Option("--live", help="Open the study itself, not a copy: changes are kept.")
    ] = False,
    storage: Storage = None,
    studies: StudiesDir = DEFAULT_DIR,
) -> None:
    """Open the study in optuna-dashboard, for this machine only."""
    from search.commands.dashboard import dashboard_command

    dashboard_command(one_study(study, option), studies, storage, port=port, live=live)
