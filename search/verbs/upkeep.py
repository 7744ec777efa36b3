"""Verbs that keep a study folder in order."""

from __future__ import annotations

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


def rebuild(
    study: Study = None,
    option: StudyName = None,
    storage: Storage = None,
    studies: StudiesDir = DEFAULT_DIR,
) -> None:
    """Make the database again from the events files of the trials."""
    from search.commands.upkeep import rebuild_command

    rebuild_command(one_study(study, option), studies, storage)


def du(
    study: Study = None,
    option: StudyName = None,
    studies: StudiesDir = DEFAULT_DIR,
    json: Json = False,
) -> None:
    """Show what studies take on disk: checkpoints, logs, database, events, the rest."""
    from search.commands.upkeep import du_command

    du_command(one_study(study, option), studies, json=json)


def clean(
    study: Study = None,
    option: StudyName = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would be removed, remove nothing.")
    ] = False,
    keep: Annotated[
        int | None,
        typer.Option(
            "--keep",
            min=1,
            help="Keep the checkpoints of that many best trials; else as keep says.",
        ),
    ] = None,
    storage: Storage = None,
    studies: StudiesDir = DEFAULT_DIR,
) -> None:
    """Remove what no resume, no rebuild and no best trial needs."""
    from search.commands.upkeep import clean_command

    clean_command(one_study(study, option), studies, storage, keep=keep, dry_run=dry_run)
