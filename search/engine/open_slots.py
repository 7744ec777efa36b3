"""The slots that an executor has opened: those that are free, and those in which attempts run."""

from __future__ import annotations

from search.messages import Message, Slot, SlotClosed, SlotOpened

# those of this machine are open at once
_PATIENCE_S = 1.0


class OpenSlots:
    """Gives free slots out and takes them back, the longest free first."""

    def __init__(self) -> None:
        self._open: dict[str, Slot] = {}
        self._free: list[str] = []
        self._closed_because = ""
        self._waiting_since: float | None = None
        self._is_told = False

    def __bool__(self) -> bool:
        """True where there is a slot, free or not."""
        return bool(self._open)

    def __getitem__(self, name: str) -> Slot:
        return self._open[name]

    @property
    def has_free(self) -> bool:
        """True where an attempt may start now."""
        return bool(self._free)

    def hear(self, name: str, message: Message) -> None:
        """Take note of a slot that was opened or closed; of any other message nothing."""
        match message:
            case SlotOpened():
                self._open[name] = message.slot
                self._free.append(name)
                self._waiting_since, self._is_told = None, False
            case SlotClosed():
                del self._open[name]
                if name in self._free:
                    self._free.remove(name)
                self._closed_because = message.why

    def wait(self, now: float) -> list[str]:
        """What is to be told of the wait for a slot, where there is none: that, once.

        Args:
            now: on the monotonic clock.
        """
        if self._waiting_since is None:
            self._waiting_since = now
        if self._is_told or now - self._waiting_since < _PATIENCE_S:
            return []
        self._is_told = True
        return [f"waiting for a slot{self._closed_because and f': {self._closed_because}'}"]

    def take(self) -> str:
        """The name of a free slot, which is free no more; there must be one."""
        return self._free.pop(0)

    def give_back(self, name: str) -> None:
        """Let a slot be free again, unless it was closed meanwhile."""
        if name in self._open:
            self._free.append(name)
