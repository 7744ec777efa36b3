"""Reading options of `run` that are more than their text; the arguments of `Study.run` alike."""

from __future__ import annotations

from search.errors import UserError
from search.plain.durations import parse_duration


def worker_count(option: str, text: str) -> int | None:
    """Trials at a time; None for auto, which the preflight decides.

    Args:
        option: what messages call it.

    Raises:
        UserError: it is neither.
    """
    if text == "auto":
        return None
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 1024:
        example = f"{option} 2" if option.startswith("--") else f"{option}=2"
        raise UserError(f"{option}: must be a number from 1 or auto, got {text}. Write {example}.")
    return int(text)


def seconds(option: str, text: float | str | None) -> float | None:
    """Seconds of a duration such as 30m, if one was given.

    Raises:
        UserError: it is none.
    """
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UserError(f"{option}: {error}") from error
