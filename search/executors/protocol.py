"""The guarantees that every executor gives the coordinator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from search.layout import TrialFolder
from search.messages import Message, Slot


class Executor(Protocol):
    """Starts attempts and carries their messages.

    An attempt is a process group of its own, started once, and gone when `Exited` was returned for
    it. Every message of an attempt is returned before its `Exited`. All attempts die with the
    executor, and the executor with the process that made it, whatever kills that.
    """

    @property
    def shared_folder(self) -> Path | None:
        """A folder for the files of questions, which all machines see; None where any will do."""
        ...

    def preload(self, modules: Sequence[str], *, warm_up: bool) -> None:
        """Import `modules` ahead of the attempts, where that makes their start quicker.

        Args:
            warm_up: lets waiting attempts train a toy, which must not be where a GPU is.
        """
        ...

    def open_slots(self, wanted: Sequence[Slot]) -> None:
        """Begin to open slots, as many as are wanted or fewer; called once.

        Each is told by `SlotOpened` as soon as an attempt in it would start at once, by
        `SlotClosing` where it will be there for a short while only, and by `SlotClosed` when it is
        gone. `poll` returns these with the name of the slot in the place of an attempt's; a name
        may be that of one which was closed before.
        """
        ...

    def need_slots(self, count: int) -> None:
        """Say how many slots are of use from now on, as many as were wanted or fewer.

        Free ones beyond may be given back, and others are opened when the number rises again.
        """
        ...

    def until_ready(self, tick: Callable[[], None]) -> None:
        """Wait until all that is preloaded is imported; before the first attempt alone.

        Args:
            tick: called while waiting; what it raises ends the wait.

        Raises:
            UserError: as `poll`.
        """
        ...

    def start(self, attempt: str, task: str, folder: TrialFolder, slot: Slot) -> None:
        """Begin an attempt under a name that was never used before in this executor, in a slot
        that is open, or, before any was asked for, on what the executor has at hand."""
        ...

    def poll(self, timeout_s: float) -> list[tuple[str, Message]]:
        """Wait up to `timeout_s` for messages of attempts and slots; returns early when there is
        one, or on a signal."""
        ...

    def send(self, attempt: str, message: Message) -> None:
        """Send to an attempt; nothing happens when it is gone."""
        ...

    def kill(self, attempt: str, *, dump: bool = False) -> None:
        """Kill the attempt's process group now; its `Exited` follows. With `dump`, the stacks of
        its threads are written to its log first."""
        ...

    def close(self) -> None:
        """Kill what still runs and give everything back."""
        ...
