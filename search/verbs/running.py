"""Verbs that run a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from search.verbs.options import (
    DEFAULT_DIR,
    Json,
    Quiet,
    Storage,
    StudiesDir,
    Timeout,
    Trials,
    TrialTimeout,
    Workers,
)


def run(
    study_file: Annotated[
        Path | None,
        typer.Argument(help="Study file; the shipped autoencoder study without one."),
    ] = None,
    trials: Trials = None,
    workers: Workers = "1",
    timeout: Timeout = None,
    trial_timeout: TrialTimeout = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="PATH=VALUE over the study file; repeatable."),
    ] = None,
    space: Annotated[
        list[str] | None,
        typer.Option("--space", help="PATH='{float: [1e-5, 1e-2], log: true}'; repeatable."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the study; the file's without one.")
    ] = None,
    storage: Storage = None,
    studies: StudiesDir = DEFAULT_DIR,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Run a study, or go on with it, up to a total of trials."""
    from search.commands.run import RunOptions, run_command

    run_command(
        study_file,
        RunOptions(
            trials=trials,
            workers=workers,
            timeout=timeout,
            trial_timeout=trial_timeout,
            set_values=tuple(set_ or ()),
            space_values=tuple(space or ()),
            name=name,
            storage=storage,
            studies=studies,
            quiet=quiet,
            json=json,
        ),
    )


def resume(
    study: Annotated[str, typer.Argument(help="Name or folder of the study.")],
    trials: Trials = None,
    workers: Workers = "1",
    timeout: Timeout = None,
    trial_timeout: TrialTimeout = None,
    storage: Storage = None,
    studies: StudiesDir = DEFAULT_DIR,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Go on with a study up to the total last asked for."""
    from search.commands.run import RunOptions, resume_command

    resume_command(
        study,
        RunOptions(
            trials=trials,
            workers=workers,
            timeout=timeout,
            trial_timeout=trial_timeout,
            storage=storage,
            studies=studies,
            quiet=quiet,
            json=json,
        ),
    )
