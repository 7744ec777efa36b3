"""The view that fits where the output goes."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from search.engine.progress import View
from search.view.json_lines import JsonView
from search.view.lines import LinesView, QuietView


def make_view(*, quiet: bool = False, json: bool = False, stream: TextIO | None = None) -> View:
    """JSON lines, nothing, a live table in a notebook or on a terminal, or plain lines; the first
    that applies."""
    stream = stream or sys.stdout
    if json:
        return JsonView(stream)
    if quiet:
        return QuietView()
    if _is_notebook():
        from search.view.live import LiveView
        from search.view.notebook import CellOutput, cell_console

        return LiveView(stream, cell_console(stream), CellOutput)
    if stream.isatty() and os.environ.get("TERM") != "dumb":
        from search.view.live import LiveView

        return LiveView(stream)
    return LinesView(stream)


def _is_notebook() -> bool:
    """True in the kernel of a notebook; IPython is never loaded to find out."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")
