"""Letters over connections that may break: each arrives once, in the order in which it was sent."""

from __future__ import annotations

from msgspec import structs

from search.agent_messages import Letter
from search.messages import Message
from search.wire import encode, from_plain, to_plain


def letter(message: Message, *, agent: str = "", about: str = "") -> Letter:
    """A letter with a message in it."""
    return Letter(to_plain(message), agent, about)


def opened(received: Letter) -> Message:
    """The message in a letter.

    Raises:
        ValueError: there is none that this release knows.
    """
    return from_plain(received.message)


class Outbox:
    """The letters of one side, kept until the other one has said that they arrived."""

    def __init__(self) -> None:
        self._last = 0
        self._acknowledged = 0
        self._kept: dict[int, bytes] = {}

    def put(self, sent: Letter) -> bytes:
        """Number a letter and keep it; returns its line."""
        self._last += 1
        line = encode(structs.replace(sent, number=self._last))
        self._kept[self._last] = line
        return line

    def acknowledge(self, received: int) -> None:
        """Forget the letters up to a number, which have arrived."""
        self._acknowledged = max(self._acknowledged, received)
        for number in [each for each in self._kept if each <= received]:
            del self._kept[number]

    def can_go_on_from(self, received: int) -> bool:
        """Whether the other side is the one that has had the letters up to now.

        Args:
            received: number of the last letter that it has.
        """
        return received >= self._acknowledged

    def lines(self) -> list[bytes]:
        """Those that may not have arrived, to be sent over a new connection."""
        return list(self._kept.values())


class Inbox:
    """The letters of the other side."""

    def __init__(self) -> None:
        self.received = 0

    def is_new(self, read: Letter) -> bool:
        """Whether a letter has not arrived before over another connection; counts it."""
        if read.number <= self.received:
            return False
        self.received = read.number
        return True
