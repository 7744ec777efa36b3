"""What is asked of an engine that has actors and no commands: in threads, none waited for."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

from search.executors.engines.engine import Allocation
from search.executors.remote.actor_line import ActorLine, AgentWay
from search.executors.remote.background_call import BackgroundCall
from search.executors.remote.calls_under_way import CallKind, CallsUnderWay

_NAME = "ray"
_CLOSE_S = 10.0


class ActorDriver(AgentWay, Protocol):
    """The calls of the engine; each waits."""

    def submit(self, name: str, excluded: Sequence[str]) -> None:
        """Ask for an actor, not on these machines."""
        ...

    def allocations(self) -> list[Allocation]:
        """How all actors stand; one that is not among them is gone."""
        ...

    def kill(self, names: Sequence[str]) -> None:
        """Give actors back, those that are gone already included."""
        ...

    def close(self) -> None:
        """Leave the engine."""
        ...


class ActorCalls:
    """The calls of one bridge."""

    def __init__(self, driver: ActorDriver) -> None:
        self._driver = driver
        # files of agents of earlier runs have other names
        self._run = secrets.token_hex(2)
        self._asked = 0
        self._calls = CallsUnderWay()
        # names, in the order of the calls
        self._to_give_back: dict[str, None] = {}
        self._given_back: set[str] = set()

    @property
    def is_asking(self) -> bool:
        """Whether an actor is being asked for."""
        return self._calls.has(CallKind.ASK)

    def is_full(self, excluded: Sequence[str]) -> str | None:
        """Ray lets more wait than it has room for."""
        return None

    @property
    def is_looking(self) -> bool:
        """Whether the engine is being asked how actors stand."""
        return self._calls.has(CallKind.LOOK)

    @property
    def is_giving_back(self) -> bool:
        """Whether actors are being given back."""
        return self._calls.has(CallKind.GIVE_BACK) or bool(self._to_give_back)

    def look(self) -> None:
        """Tell of the calls that have ended.

        Raises:
            UserError: the engine cannot be used.
        """
        self._calls.look()
        self._give_back_next()

    def ask(self, excluded: Sequence[str], then: Callable[[str | None, str | None], None]) -> None:
        """Ask for one actor.

        Args:
            excluded: machines that it must not be on.
            then: told its name, or why there is none.
        """
        self._asked += 1
        name = self._name_asked()

        def tell(_: object, problem: str | None) -> None:
            if problem is None:
                then(name, None)
            else:
                then(None, problem)

        call = partial(self._driver.submit, name, list(excluded))
        self._calls.begin(CallKind.ASK, BackgroundCall(_NAME, call, tell))

    def ask_for_status(
        self,
        then: Callable[[list[Allocation]], None],
        otherwise: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Ask how all actors stand.

        Args:
            then: told that.
            otherwise: told why the engine does not answer.
        """

        def tell(listed: list[Allocation] | None, problem: str | None) -> None:
            if listed is not None:
                then([each for each in listed if not self._is_being_asked(each.identifier)])
            elif problem is not None:
                otherwise(problem)

        self._calls.begin(CallKind.LOOK, BackgroundCall(_NAME, self._driver.allocations, tell))

    def give_back(self, names: Iterable[str]) -> None:
        """Give actors back, each once; those of a call during another are next."""
        new = [each for each in names if each not in self._given_back]
        self._to_give_back |= dict.fromkeys(new)
        self._given_back.update(new)
        self._give_back_next()

    def _give_back_next(self) -> None:
        if self._calls.has(CallKind.GIVE_BACK) or not self._to_give_back:
            return
        names = list(self._to_give_back)
        self._to_give_back.clear()
        call = partial(self._driver.kill, names)
        # one that cannot be given back now is so when the bridge leaves Ray
        self._calls.begin(CallKind.GIVE_BACK, BackgroundCall(_NAME, call, lambda *_: None))

    def attach(self, name: str, now: float) -> ActorLine:
        """Connect to the agent of an actor.

        Args:
            now: on the clock of the bridge.
        """
        return ActorLine(self._driver, name, now)

    def close(self) -> None:
        """Leave the engine; one that does not answer ends the actors by itself, later."""
        BackgroundCall(_NAME, self._driver.close, lambda *_: None).wait(_CLOSE_S)

    def _name_asked(self) -> str:
        return f"{self._run}-{self._asked}"

    def _is_being_asked(self, name: str) -> bool:
        """Whether nobody was told of an actor yet."""
        return self.is_asking and name == self._name_asked()
