"""The exception tree. Every message is written for the reader of a terminal.

SearchError
├── UserError          the user's input; exit 2
│   ├── StudyFileError     one or more problems in a study file, a line each
│   └── StorageError       a database or study folder that cannot be used
├── StudyFailed        the study ended without a finished trial; exit 1
├── ReplayFailed       an exported trial trained to another value, or not at all; exit 1
└── Interrupted        a signal ended the run; exit 128 + signal number

An exception outside this tree is a bug of ours; exit 3.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence

# a full or failing disk: neither the user's input nor a bug nor a trial's fault
DISK_TROUBLE = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EIO,
    errno.ESTALE,
    errno.EROFS,
    # a limit on the size of files
    errno.EFBIG,
)


def printable(text: str, limit: int | None = None) -> str:
    """Text with `?` for every character that a terminal would obey, cut to `limit` characters."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else "?" for char in text)
    return text if limit is None or len(text) <= limit else text[: limit - 3] + "..."


class SearchError(Exception):
    """Root of the tree; `exit_code` is what the command line returns for it."""

    exit_code = 3


class UserError(SearchError):
    """Something the user gave cannot be used: `place: rule, what was given. Next step.`

    Args:
        lines: one line a problem; what was given may hold anything, so each is made printable.
    """

    exit_code = 2

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(printable(line) for line in lines))


class StudyFileError(UserError):
    """All problems found in one study file.

    Args:
        problems: one complete line each, in the form of `UserError`.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(*problems)
        self.problems = tuple(map(printable, problems))


class StorageError(UserError):
    """A database or a study folder that cannot be used as it is."""


class StudyFailed(SearchError):
    """The study ended without a finished trial, or was ended after failures in a row."""

    exit_code = 1


class ReplayFailed(SearchError):
    """An exported trial trained to another value than it had, or could not be trained."""

    exit_code = 1


class Interrupted(SearchError):
    """A signal ended the run; everything is saved and can be resumed.

    Args:
        signal_number: the signal that was received.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"interrupted by signal {signal_number}")
        self.exit_code = 128 + signal_number
