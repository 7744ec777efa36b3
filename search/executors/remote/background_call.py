"""Calls that wait for others, each in a thread: none is waited for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from search.errors import UserError

TIMEOUT_S = 120.0


class BackgroundCall:
    """A call that is on.

    Args:
        name: of who is called, for messages.
        call: made in a thread of its own, which is left behind where it does not return.
        then: told once, by `look`, what it returned, or None and why it failed.
    """

    def __init__(
        self, name: str, call: Callable[[], Any], then: Callable[[Any, str | None], None]
    ) -> None:
        self._name = name
        self._call = call
        self._then = then
        self._result: Any = None
        self._error: Exception | None = None
        self._is_over = False
        self._deadline = time.monotonic() + TIMEOUT_S
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def look(self) -> bool:
        """Whether it has ended; tells that.

        Raises:
            UserError: the call did.
        """
        if self._is_over:
            return True
        if self._thread.is_alive():
            if time.monotonic() < self._deadline:
                return False
            self._is_over = True
            self._then(None, f"{self._name} did not answer within {TIMEOUT_S:.0f} s")
            return True
        self._is_over = True
        if isinstance(self._error, UserError):
            raise self._error
        if self._error is None:
            self._then(self._result, None)
        else:
            self._then(None, _last_line(self._error))
        return True

    def wait(self, timeout_s: float) -> None:
        """Wait for its end, no longer than that."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            self._result = self._call()
        # whatever it is, another thread reports it
        except Exception as error:
            self._error = error


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__
