"""The slots that an executor has opened: those that are free, and those in which attempts run."""

from __future__ import annotations

from search.executors.protocol import Executor
from search.messages import Message, Slot, SlotClosed, SlotClosing, SlotOpened

# those of this machine are open at once
_PATIENCE_S = 1.0


class OpenSlots:
    """Gives free slots out and takes them back, the longest free first."""

    def __init__(self) -> None:
        self._open: dict[str, Slot] = {}
        self._free: list[str] = []
        # those in which nothing can be started any more
        self._closing: set[str] = set()
        self._told = ""
        self._closed_because = ""
        self._waiting_since: float | None = None
        self._is_told = False

    def __bool__(self) -> bool:
        """True where there is a slot that stays, free or not."""
        return len(self._open) > len(self._closing)

    def __getitem__(self, name: str) -> Slot:
        return self._open[name]

    @property
    def has_free(self) -> bool:
        """True where an attempt may start now."""
        return bool(self._free)

    def hear(self, name: str, message: Message) -> list[str]:
        """Take note of a slot that was opened or closed, of any other message nothing; returns
        what is to be told of it, once for all slots of one reason."""
        match message:
            case SlotOpened():
                self._open[name] = message.slot
                self._free.append(name)
                self._waiting_since, self._is_told = None, False
            case SlotClosing() if name in self._open:
                self._take_out(name, message.why)
                self._closing.add(name)
                if message.why != self._told:
                    self._told = message.why
                    return [f"a slot closes: {message.why}"]
            case SlotClosed():
                self._take_out(name, message.why)
                self._closing.discard(name)
                del self._open[name]
        return []

    def _take_out(self, name: str, why: str) -> None:
        if name in self._free:
            self._free.remove(name)
        self._closed_because = why

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
        """Let a slot be free again, unless it closes or was closed meanwhile."""
        if name in self._open and name not in self._closing:
            self._free.append(name)


class SlotNeed:
    """Tells an executor how many slots are of use, when that changes.

    Args:
        most: slots that were asked for.
    """

    def __init__(self, executor: Executor, most: int) -> None:
        self._executor = executor
        self._most = self._told = most

    @property
    def is_reduced(self) -> bool:
        """Whether fewer are of use than were asked for."""
        return self._told < self._most

    def tell(self, running: int, *, is_open: bool) -> None:
        """Take note of what is still to be done.

        Args:
            running: attempts that run.
            is_open: whether another may begin.
        """
        needed = self._most if is_open else min(running, self._most)
        if needed != self._told:
            self._told = needed
            self._executor.need_slots(needed)
