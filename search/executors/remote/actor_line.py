"""A connection to an agent through its actor: pipes, of which two threads carry what is in them."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import Protocol

from search.executors.remote.attach import AGENT_IS_GONE
from search.executors.remote.line_pipe import LinePipe

_PIECE_BYTES = 65536


class AgentWay(Protocol):
    """The calls by which an actor is the way to its agent; each waits."""

    def open(self, name: str) -> int | None:
        """Connect; returns the number of the connection, None where the agent has ended."""
        ...

    def read(self, name: str, number: int) -> bytes | None:
        """Wait for what comes; nothing at the end, None where nothing came for a while."""
        ...

    def write(self, name: str, number: int, data: bytes) -> bool:
        """Send; returns whether the connection is still there."""
        ...


class ActorLine:
    """A connection, made by its own thread.

    Args:
        way: to the agent.
        name: of its actor.
        now: on the clock of the bridge.
    """

    def __init__(self, way: AgentWay, name: str, now: float) -> None:
        self.since = now
        self.is_greeted = False
        self._way = way
        self._name = name
        self._status = 0
        self._is_closed = False
        from_agent, self._incoming = os.pipe()
        self._outgoing, to_agent = os.pipe()
        self._ends = (from_agent, to_agent)
        self.pipe = LinePipe(from_agent, to_agent)
        threading.Thread(target=self._carry, daemon=True).start()

    def close(self) -> int:
        """End it; returns `AGENT_IS_GONE` where that was the reason why there is none."""
        # the threads notice that, and that nobody reads or writes any more
        self._is_closed = True
        for descriptor in self._ends:
            os.close(descriptor)
        return self._status

    def _carry(self) -> None:
        """Bring what comes from the agent, until either side is gone."""
        number = None
        # whatever Ray raises: the line is broken, and made again
        with contextlib.suppress(Exception):
            number = self._way.open(self._name)
            if number is None:
                self._status = AGENT_IS_GONE
        if number is None:
            os.close(self._outgoing)
        else:
            threading.Thread(target=self._send, args=[number], daemon=True).start()
            with contextlib.suppress(Exception):
                while not self._is_closed and (data := self._way.read(self._name, number)) != b"":
                    _write_all(self._incoming, data or b"")
        os.close(self._incoming)

    def _send(self, number: int) -> None:
        """Take what is for the agent to it, until either side is gone."""
        with contextlib.suppress(Exception):
            while data := os.read(self._outgoing, _PIECE_BYTES):
                if not self._way.write(self._name, number, data):
                    break
        os.close(self._outgoing)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
