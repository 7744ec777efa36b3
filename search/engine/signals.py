"""Signals become counts that the coordinator looks at when nothing is half done."""

from __future__ import annotations

import signal
import threading
from types import TracebackType
from typing import Any

from search.errors import Interrupted

WATCHED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGXCPU)


class SignalWatch:
    """While entered, SIGINT, SIGTERM, SIGHUP and SIGXCPU are counted instead of obeyed.

    A SIGHUP that is ignored stays so: that is all that `nohup` does. Outside the main thread it
    watches nothing, because Python allows handlers only there.
    """

    def __init__(self) -> None:
        self.count = 0
        self.first: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> SignalWatch:
        if threading.current_thread() is threading.main_thread():
            for number in WATCHED:
                if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                    continue
                self._previous[number] = signal.signal(number, lambda which, _: self.note(which))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise Interrupted if a signal came."""
        if self.first is not None:
            raise Interrupted(self.first)

    def note(self, number: int) -> None:
        """Count a signal; one of a used-up limit of CPU time comes every second and counts once."""
        if number == self.first == signal.SIGXCPU:
            return
        self.count += 1
        self.first = self.first or number
