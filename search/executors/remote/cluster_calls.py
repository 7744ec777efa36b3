"""What a bridge asks of the engine of a cluster, of whatever kind: no call waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from search.executors.engines.engine import Allocation
from search.executors.remote.member import AgentLine


class ClusterCalls(Protocol):
    """One call of each kind at a time; `look` tells of those that have ended."""

    @property
    def is_asking(self) -> bool:
        """Whether an allocation is being asked for."""
        ...

    def is_full(self, excluded: Sequence[str]) -> str | None:
        """Why no more may be asked for until one is given back; None where more may be.

        Args:
            excluded: nodes that it must not be on.
        """
        ...

    @property
    def is_looking(self) -> bool:
        """Whether the engine is being asked how allocations stand."""
        ...

    @property
    def is_giving_back(self) -> bool:
        """Whether allocations are being given back."""
        ...

    def look(self) -> None:
        """Tell of the calls that have ended.

        Raises:
            UserError: the engine cannot be used.
        """
        ...

    def ask(self, excluded: Sequence[str], then: Callable[[str | None, str | None], None]) -> None:
        """Ask for one allocation.

        Args:
            excluded: nodes that it must not be on.
            then: told its identifier, or why there is none.

        Raises:
            UserError: the engine cannot be used, as for the other calls.
        """
        ...

    def ask_for_status(
        self,
        then: Callable[[list[Allocation]], None],
        otherwise: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Ask how all allocations stand.

        Args:
            then: told that.
            otherwise: told why the engine does not answer; it may be too busy.
        """
        ...

    def give_back(self, names: Iterable[str]) -> None:
        """Give allocations back, each once, as soon as the engine takes them."""
        ...

    def attach(self, name: str, now: float) -> AgentLine:
        """Connect to the agent of an allocation.

        Args:
            now: on the clock of the bridge.
        """
        ...

    def close(self) -> None:
        """Leave the engine."""
        ...
