"""The exception tree. Every message is written for the reader of a terminal.

SearchError
├── UserError          the user's input; exit 2
│   ├── StudyFileError     one or more problems in a study file, a line each
│   └── StorageError       a database or study folder that cannot be used
├── StudyFailed        the study ended without a finished trial; exit 1
└── Interrupted        a signal ended the run; exit 128 + signal number

An exception outside this tree is a bug of ours; exit 3.
"""

from __future__ import annotations

from collections.abc import Sequence


class SearchError(Exception):
    """Root of the tree; `exit_code` is what the command line returns for it."""

    exit_code = 3


class UserError(SearchError):
    """Something the user gave cannot be used: `place: rule, what was given. Next step.`"""

    exit_code = 2


class StudyFileError(UserError):
    """All problems found in one study file.

    Args:
        problems: one complete line each, in the form of `UserError`.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class StorageError(UserError):
    """A database or a study folder that cannot be used as it is."""


class StudyFailed(SearchError):
    """The study ended without a finished trial, or was ended after failures in a row."""

    exit_code = 1


class Interrupted(SearchError):
    """A signal ended the run; everything is saved and can be resumed.

    Args:
        signal_number: the signal that was received.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"interrupted by signal {signal_number}")
        self.exit_code = 128 + signal_number
