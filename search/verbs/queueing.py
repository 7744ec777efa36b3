"""Verbs that tell a study what to try."""

from __future__ import annotations

from typing import Annotated

import typer

from search.verbs.options import DEFAULT_DIR, StudiesDir, StudyName


def enqueue(
    values: Annotated[
        list[str], typer.Argument(help="PATH=VALUE of a searched path; the rest is sampled.")
    ],
    study: StudyName = None,
    studies: StudiesDir = DEFAULT_DIR,
) -> None:
    """Let the next trial have these values; also while the study runs."""
    from search.commands.enqueue import enqueue_command

    enqueue_command(values, study, studies)
