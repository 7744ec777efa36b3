"""Verbs that run a study."""

from __future__ import annotations

from typing import Annotated

import typer

from search.commands.naming import one_study
from search.verbs.options import (
    DEFAULT_DIR,
    Json,
    Name,
    Quiet,
    SetValues,
    SpaceValues,
    Storage,
    StudiesDir,
    Study,
    StudyFileOrName,
    StudyName,
    Timeout,
    Trials,
    TrialTimeout,
    Workers,
)


def run(
    study_file: StudyFileOrName = None,
    trials: Trials = None,
    workers: Workers = "1",
    timeout: Timeout = None,
    trial_timeout: TrialTimeout = None,
    set_: SetValues = None,
    space: SpaceValues = None,
    name: Name = None,
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
    study: Study = None,
    option: StudyName = None,
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
        one_study(study, option),
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


def extend(
    study: Annotated[str, typer.Argument(help="Name or folder of the study to take from.")],
    study_file: Annotated[
        str, typer.Argument(help="Study file of the child study, or name of a shipped one.")
    ],
    name: Name = None,
    set_: SetValues = None,
    space: SpaceValues = None,
    was: Annotated[
        list[str] | None,
        typer.Option("--was", help="PATH=VALUE of what is searched now and was a default before."),
    ] = None,
    studies: StudiesDir = DEFAULT_DIR,
) -> None:
    """Make a child study of a changed space, with the trials that still fit."""
    from search.commands.extend import extend_command

    extend_command(
        study,
        study_file,
        name=name,
        set_values=set_ or (),
        space_values=space or (),
        was_values=was or (),
        studies=studies,
    )
