"""The console that all tables are printed on, and the words and styles that they share."""

from __future__ import annotations

from datetime import datetime
from typing import TextIO

from rich.console import Console

NO_STUDY = "No study here yet. Start one with: search run --trials 50"
ARROWS = {"minimize": "↓", "maximize": "↑"}
STATE_STYLES = {
    "COMPLETE": "green",
    "PRUNED": "yellow",
    "FAIL": "red",
    "RUNNING": "bold",
    "WAITING": "cyan",
}
_PIPE_WIDTH = 10_000


def plain_console(stream: TextIO) -> Console:
    """A console that breaks no line in a pipe."""
    # a table broken into lines in a pipe would hide what a script looks for
    return text_console(stream, None if stream.isatty() else _PIPE_WIDTH)


def text_console(stream: TextIO, width: int | None = None, *, is_recorded: bool = False) -> Console:
    """A console to which all that a user or a model wrote is text, never markup.

    Args:
        width: in cells; None for that of the terminal.
        is_recorded: keeps what is printed, to be exported as HTML.
    """
    return Console(
        file=stream,
        width=width,
        record=is_recorded,
        highlight=False,
        markup=False,
        emoji=False,
        # a notebook is written to as text; its table is HTML of our own
        force_jupyter=False,
    )


def local_time(time: datetime) -> str:
    """Date and minute where the user is."""
    return time.astimezone().strftime("%Y-%m-%d %H:%M")
