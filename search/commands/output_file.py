"""The file that a command writes where --output says."""

from __future__ import annotations

from pathlib import Path

from search.errors import UserError
from search.plain.whole_files import write_whole


def write_output(target: Path, text: str) -> None:
    """Write a file whole.

    Raises:
        UserError: it cannot be written.
    """
    try:
        write_whole(target, text)
    except OSError as error:
        raise UserError(f"{target}: cannot be written: {error.strerror}. Name another.") from error
