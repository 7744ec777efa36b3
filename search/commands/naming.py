"""How a command names its study: in place, or with --study. Imports little; every verb needs it."""

from __future__ import annotations

from search.errors import UserError


def one_study(in_place: str | None, option: str | None) -> str | None:
    """The study that a command names; None where it names none.

    Raises:
        UserError: it names two.
    """
    if in_place is not None and option is not None and in_place != option:
        raise UserError(f"--study: names {option}, and the command names {in_place}. Name one.")
    return in_place if option is None else option
