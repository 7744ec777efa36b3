"""Text for inside a figure: short, and escaped because Plotly reads a subset of HTML."""

from __future__ import annotations

import html

_LONGEST_LABEL = 40


def shorten(text: str, limit: int = _LONGEST_LABEL) -> str:
    """One line of at most `limit` characters, the middle left out of longer ones."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    half = (limit - 1) // 2
    return f"{line[:half]}…{line[-half:]}"


def figure_text(text: str, limit: int = _LONGEST_LABEL) -> str:
    """One short line without markup."""
    return html.escape(shorten(text, limit), quote=False)


def hover_text(heading: str, *lines: str) -> str:
    """The lines beside a pointer, each short and without markup."""
    return "<br>".join(figure_text(line) for line in (heading, *lines))
