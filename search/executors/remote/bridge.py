"""The bridge: the process between a coordinator and its agents. It alone talks to the engine.

`python -m search.executors.remote.bridge`, a child of the coordinator. It pings agents however long
the coordinator is busy; it never imports torch, and opens no database. When its input ends, agents
leave and allocations are given back.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from search.agent_messages import (
    BridgeFailed,
    Dismiss,
    Leave,
    Letter,
    OpenBridge,
    StartAttempt,
    WantAgents,
)
from search.errors import UserError
from search.executors.remote.agent_lease import clock_s
from search.executors.remote.calls_of import calls_of
from search.executors.remote.fleet import Fleet
from search.executors.remote.letters import letter, opened
from search.executors.remote.line_pipe import LinePipe
from search.executors.remote.roster import Roster
from search.messages import Exited, Message
from search.wire import decode, encode

_TICK_S = 0.25
_FAREWELL_S = 10.0
_GIVING_BACK_S = 20.0


class Bridge:
    """Carries letters, and keeps as many agents as are wanted.

    Args:
        pipe: to the coordinator.
        given: its first message.
        rest: lines that came with it.
    """

    def __init__(self, pipe: LinePipe, given: OpenBridge, rest: Sequence[bytes]) -> None:
        self._pipe = pipe
        self._selector = selectors.DefaultSelector()
        self._selector.register(pipe.reading, selectors.EVENT_READ, self._read)
        self._calls = calls_of(given)
        self._fleet = Fleet(self._calls, given, self._selector, self._tell)
        self._roster = Roster(Path(given.roster), given.engine)
        self._dismissed_at: float | None = None
        self._is_over = False
        for line in rest:
            self._obey(decode(line))

    def run(self) -> None:
        """Work until the coordinator wants no agents any more, and all are gone.

        Raises:
            UserError: there will be no agents.
        """
        while not self._is_over:
            self._wait()
            now = clock_s()
            if self._dismissed_at is None:
                self._fleet.turn(now)
            else:
                self._see_off(self._dismissed_at, now)
            with contextlib.suppress(OSError):
                # the folder may be gone, which the coordinator notices
                self._roster.write(self._fleet.members, now, is_last=self._is_over)
            self._pipe.flush()

    def give_back(self) -> None:
        """Let all go at once."""
        self._dismiss(clock_s())
        with contextlib.suppress(UserError):
            self.run()

    def close(self) -> None:
        """Leave the engine."""
        self._calls.close()

    def _wait(self) -> None:
        is_idle = self._pipe.is_flushed and self._fleet.is_flushed
        for key, _ in self._selector.select(_TICK_S if is_idle else 0.01):
            key.data()

    def _read(self) -> None:
        for line in self._pipe.read():
            self._obey(decode(line))
        if self._pipe.is_broken:
            self._selector.unregister(self._pipe.reading)
            self._dismiss(clock_s())

    def _obey(self, message: Message) -> None:
        match message:
            case Letter(agent=""):
                self._fleet.greet_with(message)
            case Letter():
                self._carry(message)
            case WantAgents():
                self._fleet.wanted = message.count
            case Dismiss():
                self._dismiss(clock_s())

    def _carry(self, carried: Letter) -> None:
        member = self._fleet.get(carried.agent)
        order = opened(carried)
        if member is None and isinstance(order, StartAttempt):
            gone = Exited(carried.about, -signal.SIGKILL, lost=f"agent {carried.agent} is gone")
            self._tell(letter(gone, agent=carried.agent, about=carried.about))
        elif member is not None:
            if isinstance(order, StartAttempt):
                self._fleet.note_start(member, carried.about, order)
            member.post(carried)

    def _tell(self, message: Message) -> None:
        self._pipe.send(encode(message))

    def _dismiss(self, now: float) -> None:
        if self._dismissed_at is None:
            self._dismissed_at = now
            for member in self._fleet.members:
                member.post(letter(Leave("the run is over", grace_s=0.0)))
            self._fleet.close_asking()

    def _see_off(self, since: float, now: float) -> None:
        """Wait until all have left, and give everything back."""
        connected = [each for each in self._fleet.members if each.heard_at is not None]
        if connected and now - since < _FAREWELL_S:
            self._fleet.listen(now)
            return
        self._fleet.give_all_back()
        self._is_over = self._fleet.is_given_back or now - since > _GIVING_BACK_S


def main() -> int:
    """Run the bridge of the process that started this one."""
    # a terminal sends it to both, and the coordinator decides what it means; handled, not ignored,
    # because the commands of the engine would inherit that
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    os.umask(0o077)
    # what a library prints is not for the coordinator
    output = os.dup(1)
    os.dup2(2, 1)
    pipe = LinePipe(0, output)
    first, *rest = _first_lines(pipe) or [b""]
    if not first:
        return 1
    given = decode(first)
    assert isinstance(given, OpenBridge)
    try:
        bridge = Bridge(pipe, given, rest)
        try:
            bridge.run()
        except UserError:
            bridge.give_back()
            raise
        finally:
            bridge.close()
    except UserError as error:
        pipe.send(encode(BridgeFailed(str(error))))
        while not pipe.is_flushed:
            pipe.flush()
        return 1
    return 0


def _first_lines(pipe: LinePipe) -> list[bytes]:
    """The first lines that arrive; none where the other side is gone."""
    selector = selectors.DefaultSelector()
    selector.register(pipe.reading, selectors.EVENT_READ)
    lines: list[bytes] = []
    while not lines and not pipe.is_broken:
        selector.select()
        lines = pipe.read()
    return lines


if __name__ == "__main__":
    sys.exit(main())
