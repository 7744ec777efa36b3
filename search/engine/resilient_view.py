"""A view that outlives its output: a closed terminal, a pipe whose reader left, a full disk."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable

from search.engine.progress import Event, View
from search.engine.signals import SignalWatch


class SteadyView:
    """Shows what `view` shows until its output is gone, and nothing from then on.

    A study must not end without its checkpoints because nobody looks. A pipe whose reader has left
    ends it as SIGPIPE would, but in order; whatever else befalls the output, the study goes on.
    """

    def __init__(self, view: View, signals: SignalWatch) -> None:
        self._view = view
        self._signals = signals

    def handle(self, event: Event) -> None:
        self._try(lambda: self._view.handle(event))

    def tick(self) -> None:
        self._try(self._view.tick)

    def close(self) -> None:
        self._try(self._view.close)

    def _try(self, show: Callable[[], None]) -> None:
        if isinstance(steadily(show), BrokenPipeError):
            self._signals.note(signal.SIGPIPE)


def steadily(show: Callable[[], None]) -> OSError | None:
    """Show something; where the output is gone, give it up and return why."""
    try:
        show()
    except OSError as error:
        _give_up_output()
        return error
    return None


def _give_up_output() -> None:
    """Let standard output lead nowhere: what is left in its buffer would fail again at exit."""
    with contextlib.suppress(OSError):  # it may be no file at all
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
