"""The calls to an engine that have not ended: one of each kind at a time."""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol


class CallKind(Enum):
    """What is asked of an engine; ends are told in this order."""

    ASK = auto()
    LOOK = auto()
    GIVE_BACK = auto()


class PendingCall(Protocol):
    """A call that nobody waits for."""

    def look(self) -> bool:
        """Whether it has ended; tells that."""
        ...


class CallsUnderWay:
    """Remembers each call until it has told its end."""

    def __init__(self) -> None:
        self._calls: dict[CallKind, PendingCall] = {}

    def begin(self, kind: CallKind, call: PendingCall) -> None:
        """Remember a call; there must be none of its kind."""
        self._calls[kind] = call

    def has(self, kind: CallKind) -> bool:
        """Whether a call of this kind has not ended."""
        return kind in self._calls

    def look(self) -> None:
        """Let those that have ended tell that."""
        for kind in CallKind:
            if kind in self._calls and self._calls[kind].look():
                del self._calls[kind]
