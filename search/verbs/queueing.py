"""Verbs that tell a study what to try."""

from __future__ import annotations

from typing import Annotated

import typer

from search.verbs.options import DEFAULT_DIR, StudiesDir, StudyName


def enqueue(
    words: Annotated[
        list[str],
        typer.Argument(
            help="Name or folder of the study, and values of searched paths; the rest is sampled.",
            metavar="[STUDY] PATH=VALUE...",
        ),
    ],
    option: StudyName = None,
    studies: StudiesDir = DEFAULT_DIR,
) -> None:
    """Let the next trial have these values; also while the study runs."""
    from search.commands.enqueue import enqueue_command

    enqueue_command(words, option, studies)
