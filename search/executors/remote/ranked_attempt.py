"""An attempt whose ranks are processes of several machines, told to the coordinator as one.

Knows what the ranks say and how they end, in which order; starts and kills none.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable

from search.messages import (
    DONE,
    ECHOES,
    ERROR,
    INTERRUPTED,
    KILLED,
    OOM,
    PAUSED,
    PRUNED,
    Ended,
    Exited,
    Leaving,
    Message,
)

# what rank 0 waits for from one that failed, as on one machine
_GRACE_S = 5.0
# causes that all ranks give at once
_OF_ALL = (DONE, PRUNED, PAUSED, INTERRUPTED)

Messages = list[tuple[str, Message]]


class RankedAttempt:
    """Ends when its last rank has, by what the first of them said that failed.

    Args:
        name: of the attempt.
        port: at which its ranks meet.
    """

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self._port = port
        self._open = {0}
        self._said: Ended | None = None
        # of ranks, in their order
        self._failures: list[Ended] = []
        self._benign: set[int] = set()
        self._exits: dict[int, Exited] = {}
        # a rank that nobody here has killed
        self._killed: tuple[int, signal.Signals] | None = None
        self._failed_status: int | None = None
        self._ends_since: float | None = None
        self._is_killed = False
        self._lost: str | None = None

    @property
    def open_ranks(self) -> list[int]:
        """The ranks that have not ended yet."""
        return sorted(self._open)

    @property
    def is_ending(self) -> bool:
        """Whether no rank is to be begun any more."""
        return self._ends_since is not None or self._is_killed or self._lost is not None

    def begin(self, ranks: Iterable[int]) -> None:
        """Note that these ranks, beside the first, are begun."""
        self._open.update(ranks)

    def hear(self, rank: int, message: Message, now: float) -> Messages:
        """What the coordinator is told of a message of a rank."""
        match message:
            case Leaving():
                # the others may still be there
                return []
            case Ended():
                self._hear_last_words(rank, message)
                return []
            case Exited():
                return self._note_exit(rank, message, now)
        return [(self.name, message)] if rank == 0 else []

    def lose(self, why: str) -> None:
        """Note that a machine of it is lost."""
        self._lost = self._lost or why

    def kill(self) -> list[int]:
        """The ranks that are to be killed now, because somebody wants so."""
        self._is_killed = True
        return sorted(self._open)

    def overdue(self, now: float) -> list[int]:
        """The ranks that are to be killed now, because another has ended before them."""
        if self._ends_since is None or self._is_killed or now - self._ends_since < _GRACE_S:
            return []
        return self.kill()

    def _hear_last_words(self, rank: int, said: Ended) -> None:
        if said.cause in _OF_ALL:
            self._benign.add(rank)
        if rank == 0:
            self._said = said
        elif said.cause not in _OF_ALL and (self._said is None or said.cause == OOM):
            self._failures.append(said)

    def _note_exit(self, rank: int, exited: Exited, now: float) -> Messages:
        self._open.discard(rank)
        self._exits[rank] = exited
        if exited.lost is not None:
            self.lose(exited.lost)
        failed = exited.status != 0 and rank not in self._benign
        if failed and not self._is_killed:
            if exited.status < 0 and self._killed is None:
                self._killed = (rank, signal.Signals(-exited.status))
            if self._failed_status is None:
                self._failed_status = exited.status
        if self._ends_since is None and (failed or rank == 0):
            self._ends_since = now
        return [] if self._open else self._end()

    def _end(self) -> Messages:
        said = self._last_words()
        told: Messages = [] if said is None else [(self.name, said)]
        status = self._exits[0].status
        if said is None and self._failed_status is not None:
            status = self._failed_status
        ran_out = any(each.memory_ran_out for each in self._exits.values())
        lost = self._lost
        if lost is None and said is not None and self._is_of_port(said):
            lost = f"port {self._port}, at which its ranks were to meet, was taken"
        exited = Exited(self.name, status, memory_ran_out=ran_out, lost=lost)
        return [*told, (self.name, exited)]

    def _last_words(self) -> Ended | None:
        """Those of rank 0, unless another rank had failed before."""
        if self._said is not None and self._said.cause not in ECHOES:
            return self._said
        for failure in self._failures:
            if failure.cause == OOM:
                return failure
        if self._killed is not None:
            rank, number = self._killed
            message = f"rank {rank} was killed by {number.name}"
            return None if rank == 0 else Ended(KILLED, message=message)
        return self._failures[0] if self._failures else self._said

    def _is_of_port(self, said: Ended) -> bool:
        """Whether rank 0 found another program at the port that was free a moment before."""
        text = f"{said.message} {said.traceback}"
        return said.cause == ERROR and "EADDRINUSE" in text and f"port: {self._port}" in text
