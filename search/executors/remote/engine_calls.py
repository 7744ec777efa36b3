"""What is asked of an engine: one command of each kind at a time, none of them waited for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from search.errors import UserError
from search.executors.engines.engine import Allocation, Engine, Order
from search.executors.remote.attach import attach_command
from search.executors.remote.calls_under_way import CallKind, CallsUnderWay
from search.executors.remote.engine_command import CommandEnd, EngineCommand
from search.executors.remote.member import AttachedLine

# after an engine that did not answer
_AGAIN_S = 2.0


class EngineCalls:
    """The calls of one bridge.

    Args:
        name: of the engine, for messages.
        order: what allocations are to be.
    """

    def __init__(self, engine: Engine, name: str, order: Order) -> None:
        self._engine = engine
        self._name = name
        self._order = order
        self._calls = CallsUnderWay()
        self._unwanted: set[str] = set()
        self._gives_back_at = 0.0
        self._given_back: set[str] = set()

    @property
    def is_asking(self) -> bool:
        """Whether an allocation is being asked for."""
        return self._calls.has(CallKind.ASK)

    def is_full(self, excluded: Sequence[str]) -> str | None:
        """An engine lets more wait than it has room for."""
        return None

    @property
    def is_looking(self) -> bool:
        """Whether the engine is being asked how allocations stand."""
        return self._calls.has(CallKind.LOOK)

    @property
    def is_giving_back(self) -> bool:
        """Whether allocations are being given back."""
        return bool(self._unwanted)

    def look(self) -> None:
        """Tell of the calls that have ended."""
        self._calls.look()
        self._give_back_next()

    def ask(self, excluded: Sequence[str], then: Callable[[str | None, str | None], None]) -> None:
        """Ask for one allocation.

        Args:
            excluded: nodes that it must not be on.
            then: told its identifier, or why there is none.

        Raises:
            UserError: the engine's command is not there, as for the other calls.
        """

        def read(end: CommandEnd) -> None:
            if end.problem is None:
                then(self._engine.submitted(end.output), None)
            else:
                then(None, end.problem)

        self._calls.begin(CallKind.ASK, self._run(self._engine.submit(self._order, excluded), read))

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

        def read(end: CommandEnd) -> None:
            if end.problem is None:
                then(self._engine.allocations(end.output, time.time()))
            else:
                otherwise(end.problem)

        self._calls.begin(CallKind.LOOK, self._run(self._engine.status(self._order), read))

    def give_back(self, names: Iterable[str]) -> None:
        """Give allocations back, each once, as soon as the engine takes them."""
        self._unwanted.update(each for each in names if each not in self._given_back)
        self._give_back_next()

    def attach(self, name: str, now: float) -> AttachedLine:
        """Connect to an agent by a process beside it.

        Args:
            now: on the clock of the bridge.

        Raises:
            UserError: the engine's command cannot be run.
        """
        command = attach_command(self._order.log, name)
        try:
            return AttachedLine(self._engine.attach(name, command), now)
        except OSError as error:
            raise UserError(f"--on {self._name}: cannot reach agents: {error}") from error

    def close(self) -> None:
        """Leave the engine, which knows nothing of a bridge."""

    def _give_back_next(self) -> None:
        is_due = self._unwanted and time.monotonic() >= self._gives_back_at
        if is_due and not self._calls.has(CallKind.GIVE_BACK):
            names = sorted(self._unwanted)
            call = self._run(self._engine.cancel(names), partial(self._note_given_back, names))
            self._calls.begin(CallKind.GIVE_BACK, call)

    def _note_given_back(self, names: Iterable[str], end: CommandEnd) -> None:
        if end.problem is None:
            self._given_back.update(names)
            self._unwanted.difference_update(names)
        else:
            self._gives_back_at = time.monotonic() + _AGAIN_S

    def _run(self, arguments: list[str], then: Callable[[CommandEnd], None]) -> EngineCommand:
        try:
            return EngineCommand(arguments, then)
        except OSError as error:
            raise UserError(
                f"--on {self._name}: cannot run {arguments[0]}: {error.strerror}. Run search where "
                "the commands of the cluster are, such as on its login node."
            ) from error
