"""The live table: what runs now, what came out, what is best; updates in place."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Protocol, TextIO

from rich.console import Console, RenderableType
from rich.text import Text

from search.engine.progress import BatchSizeFound, Event, Note, Stopping, StudyEnded, TrialEnded
from search.view.board import Board
from search.view.console import text_console
from search.view.full_screen import FullScreen
from search.view.lines import closing_lines
from search.view.picture import Picture
from search.view.rows import print_lines
from search.view.terminal_text import clean

# a picture takes 2 ms of a core that a trial could use, and trials report a hundred times a second
_REDRAW_S = 0.2


class Screen(Protocol):
    """Where the table is drawn: anew at each `refresh`, and gone after `stop`."""

    def start(self) -> None: ...

    def refresh(self) -> None: ...

    def stop(self) -> None: ...


class LiveView:
    """A picture that is drawn over; what should last is printed above it or stays at its end."""

    def __init__(
        self,
        stream: TextIO,
        console: Console | None = None,
        screen: Callable[[Callable[[], RenderableType]], Screen] | None = None,
    ) -> None:
        self._console = console or text_console(stream)
        self._board = Board()
        self._screen: Screen
        if screen is None:
            self._screen = FullScreen(self._console, lambda height: Picture(self._board, height))
        else:
            self._screen = screen(lambda: Picture(self._board))
        self._closing: list[Text] = []
        self._drawn_at = -math.inf
        self._screen.start()

    def handle(self, event: Event) -> None:
        self._board.fold(event)
        match event:
            case TrialEnded(state="FAIL"):
                line = f"trial {event.number} {event.cause}: {clean(event.message or '')}"
                failure = [Text(line, style="red"), Text(f"  {event.log}", style="dim")]
                print_lines(self._console, failure)
            case StudyEnded():
                first, *others = closing_lines(event, self._board)
                self._closing = [Text(first, style="bold"), *map(Text, others)]
            case Note() | BatchSizeFound() | Stopping():
                self._draw()

    def tick(self) -> None:
        if time.monotonic() - self._drawn_at >= _REDRAW_S:
            self._draw()

    def _draw(self) -> None:
        self._screen.refresh()
        self._drawn_at = time.monotonic()

    def close(self) -> None:
        self._screen.stop()
        print_lines(self._console, self._closing)
        self._closing = []
