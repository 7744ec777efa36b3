"""Verbs for what comes out of a study."""

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
    Workers,
)

TrialNumber = Annotated[
    int | None,
    typer.Option("--trial", min=0, help="Number of the trial; the best one without.", metavar="N"),
]


def export(
    study: Study = None,
    folder: Annotated[
        str | None,
        typer.Argument(
            help="Folder to make of the best trial, to train it without this tool.",
            metavar="FOLDER",
            show_default=False,
        ),
    ] = None,
    option: StudyName = None,
    trial: TrialNumber = None,
    format_: Annotated[
        str | None, typer.Option("--format", help="Instead, every trial in a table: csv or json.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File of that table, if not standard output."),
    ] = None,
    storage: Storage = None,
    studies: StudiesDir = DEFAULT_DIR,
) -> None:
    """Export the best trial as a folder, or every trial as CSV or JSON."""
    from search.commands.finals import export_command

    export_command(
        [each for each in (study, folder) if each is not None],
        option,
        studies,
        storage,
        number=trial,
        table=format_,
        output=output,
    )


def test(
    study: Study = None,
    option: StudyName = None,
    trial: TrialNumber = None,
    storage: Storage = None,
    studies: StudiesDir = DEFAULT_DIR,
    json: Json = False,
) -> None:
    """Run the test loop of the best checkpoint."""
    from search.commands.finals import test_command

    test_command(one_study(study, option), studies, storage, number=trial, json=json)


def replay(
    folder: Annotated[Path, typer.Argument(help="Folder that `search export` made.")],
    tolerance: Annotated[
        float, typer.Option("--tolerance", min=0.0, help="Difference that is still the same.")
    ] = 1e-6,
) -> None:
    """Train an exported folder again, and compare its value."""
    from search.commands.finals import replay_command

    replay_command(folder, tolerance)


def confirm(
    study: Study = None,
    option: StudyName = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Finalists: the best trials.")] = 3,
    seeds: Annotated[int, typer.Option("--seeds", min=2, help="Runs of each finalist.")] = 5,
    workers: Workers = "1",
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the study of these runs; STUDY-confirm.")
    ] = None,
    storage: Storage = None,
    studies: StudiesDir = DEFAULT_DIR,
    json: Json = False,
) -> None:
    """Train the best trials over seeds: is the winner lucky?"""
    from search.commands.confirm import ConfirmOptions, confirm_command

    confirm_command(
        one_study(study, option),
        ConfirmOptions(
            top=top,
            seeds=seeds,
            workers=workers,
            name=name,
            storage=storage,
            studies=studies,
            json=json,
        ),
    )
