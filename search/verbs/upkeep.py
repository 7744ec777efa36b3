"""Verbs that keep a study folder in order."""

from __future__ import annotations

from typing import Annotated

import typer

from search.verbs.options import (
    DEFAULT_DIR,
    Storage,
    StudiesDir,
)


def rebuild(
    study: Annotated[str, typer.Argument(help="Name or folder of the study.")],
    storage: Storage = None,
    studies: StudiesDir = DEFAULT_DIR,
) -> None:
    """Make the database again from the events files of the trials."""
    from search.commands.upkeep import rebuild_command

    rebuild_command(study, studies, storage)
