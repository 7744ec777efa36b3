"""What a cluster engine must answer so that agents can be started by it and reached through it.

An engine says commands and reads what they print; it runs none and remembers nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol


class State(Enum):
    """How an allocation stands."""

    PENDING = "pending"
    RUNNING = "running"
    GONE = "gone"


@dataclass(frozen=True)
class Allocation:
    """What the engine has given, or will give: a job."""

    identifier: str
    """The engine's own name of it."""
    state: State
    node: str = ""
    """Machine that it runs on; empty before it runs."""
    ends_in_s: float | None = None
    """Seconds until the engine takes it back; None without a limit, or before it runs."""
    why: str = ""
    """Reason why it waits or is gone, in the engine's word; empty where it has none."""
    has_ended: bool = False
    """Whether its machine itself has said that the agent ended; one that the engine took back, or
    cannot reach, may still run there."""


@dataclass(frozen=True)
class Order:
    """What every allocation of a study is to be."""

    name: str
    """Name by which those of this study are found again."""
    command: Sequence[str]
    """Command line of the agent; the identifier of the allocation, then the name of its machine,
    go behind it."""
    folder: Path
    """Folder that the agent is started in."""
    log: Path
    """Folder for the output of the agents, a file each."""
    cpus: int
    """Cores of all trials of one allocation."""
    gpus: int = 0
    """GPUs of all trials of one allocation."""
    memory_bytes: int | None = None
    """Memory of all trials of one allocation; None for what the engine gives."""
    nodes: int = 1
    """Machines of one allocation, each with so many cores and GPUs and so much memory."""
    shares_log: bool = True
    """Whether that folder is on a disk that is made for several machines; one that is not may be
    on this machine alone."""


class Engine(Protocol):
    """A cluster's own commands."""

    def submit(self, order: Order, excluded: Sequence[str]) -> list[str]:
        """The command that asks for one allocation.

        Args:
            excluded: nodes that it must not be on.
        """
        ...

    def submitted(self, output: str) -> str:
        """The identifier of the allocation that `submit` asked for, by what it printed.

        Raises:
            ValueError: it printed something else.
        """
        ...

    def status(self, order: Order) -> list[str]:
        """The command that tells how all allocations of the name of an order stand."""
        ...

    def allocations(self, output: str, now: float) -> list[Allocation]:
        """The allocations that `status` printed; one that is not among them is gone.

        Args:
            now: seconds since 1970.
        """
        ...

    def attach(self, identifier: str, command: Sequence[str]) -> list[str]:
        """The command that runs another on the machine of an allocation which runs, beside the
        agent and with the same input and output."""
        ...

    def cancel(self, identifiers: Sequence[str]) -> list[str]:
        """The command that gives allocations back, those that are gone already included."""
        ...
