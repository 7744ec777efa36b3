"""What all tables on the console share: the console, times, and the words for no study."""

from __future__ import annotations

from datetime import datetime
from typing import TextIO

from rich.console import Console

NO_STUDY = "No study here yet. Start one with: search run --trials 50"
ARROWS = {"minimize": "↓", "maximize": "↑"}
_PIPE_WIDTH = 10_000


def plain_console(stream: TextIO) -> Console:
    """A console that breaks no line in a pipe."""
    # a table broken into lines in a pipe would hide what a script looks for
    width = None if stream.isatty() else _PIPE_WIDTH
    # what a user or a model wrote is text, never markup
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def local_time(time: datetime) -> str:
    """Date and minute where the user is."""
    return time.astimezone().strftime("%Y-%m-%d %H:%M")
