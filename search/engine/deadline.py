"""The end of the time of a run."""

from __future__ import annotations

import time

from search.errors import StudyFailed


class Deadline:
    """The end of a run's time, which begins when this is made.

    Args:
        timeout_s: how long the run may take; None without a limit.
    """

    def __init__(self, timeout_s: float | None) -> None:
        self._timeout_s = timeout_s
        self._began = time.monotonic()

    @property
    def passed_s(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._began

    @property
    def is_over(self) -> bool:
        return self._timeout_s is not None and self.passed_s > self._timeout_s

    def check(self, name: str) -> None:
        """Make sure that there is time left for the study `name`.

        Raises:
            StudyFailed: there is none.
        """
        if self.is_over:
            raise StudyFailed(
                f"{name}: no trial was finished within the time limit of {self._timeout_s:g} s. "
                "Run the same command again, or give it longer with --timeout."
            )
