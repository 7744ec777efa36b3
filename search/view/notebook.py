"""The live table in a notebook: one output of the cell, drawn over in place."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, TextIO

from IPython.display import HTML, display
from rich.console import Console, RenderableType

_WIDTH = 100
# the line height keeps the blocks of a curve and of a bar together
_FORMAT = (
    '<pre style="white-space:pre;overflow-x:auto;line-height:1.2;'
    "font-family:Menlo,'DejaVu Sans Mono',consolas,'Courier New',monospace\">{code}</pre>"
)


def cell_console(stream: TextIO) -> Console:
    """A console for the lines that stay below the table, which are text like a program's."""
    return Console(
        file=stream, highlight=False, markup=False, emoji=False, force_jupyter=False, width=_WIDTH
    )


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
        console = Console(
            file=io.StringIO(),
            record=True,
            width=_WIDTH,
            force_jupyter=False,
            highlight=False,
            markup=False,
            emoji=False,
        )
        console.print(self._render())
        return console.export_html(inline_styles=True, code_format=_FORMAT)
