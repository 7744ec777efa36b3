"""A signal ends a wait for messages: its number arrives at a descriptor that is waited for too."""

from __future__ import annotations

import selectors
import signal
import socket


class SignalWakeup:
    """While open, every signal that has a handler wakes a selector; the main thread's own.

    Args:
        selector: one whose data are functions without arguments that return a list.
    """

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._read, self._write = socket.socketpair()
        self._write.setblocking(False)
        self._previous = signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        selector.register(self._read, selectors.EVENT_READ, self._drain)

    def close(self) -> None:
        """Put back what was there before."""
        signal.set_wakeup_fd(self._previous)
        self._selector.unregister(self._read)
        self._read.close()
        self._write.close()

    def _drain(self) -> list[object]:
        self._read.recv(4096)
        return []
