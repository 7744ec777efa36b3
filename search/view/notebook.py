"""The live table in a notebook: one output of the cell, drawn over in place."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, TextIO

from IPython.display import HTML, display
from rich.console import Console, RenderableType

from search.view.console import text_console

_WIDTH = 100
# the line height keeps the blocks of a curve and of a bar together
_FORMAT = (
    '<pre style="white-space:pre;overflow-x:auto;line-height:1.2;'
    "font-family:Menlo,'DejaVu Sans Mono',consolas,'Courier New',monospace\">{code}</pre>"
)


def cell_console(stream: TextIO, *, is_recorded: bool = False) -> Console:
    """A console as wide as the table; what is printed on it is text like a program's."""
    return text_console(stream, _WIDTH, is_recorded=is_recorded)


class CellOutput:
    """Draws a renderable into the cell's output, and takes it away when it stops."""

    def __init__(self, render: Callable[[], RenderableType]) -> None:
        self._render = render
        self._shown: Any = None

    def start(self) -> None:
        self._shown = display(HTML(self._html()), display_id=True)

    def refresh(self) -> None:
        self._shown.update(HTML(self._html()))

    def stop(self) -> None:
        self._shown.update(HTML(""))

    def _html(self) -> str:
        console = cell_console(io.StringIO(), is_recorded=True)
        console.print(self._render())
        return console.export_html(inline_styles=True, code_format=_FORMAT)
