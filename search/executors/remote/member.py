"""One agent as its bridge sees it: the allocation, the connection, and what is at work there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Protocol

from search.agent_messages import Letter, Ping
from search.executors.remote.letters import Inbox, Outbox
from search.executors.remote.line_pipe import LinePipe
from search.wire import encode

# by itself, once its input is closed
_ENDS_WITHIN_S = 0.5


class Phase(Enum):
    """How far an agent is."""

    PENDING = "pending"
    STARTING = "starting"
    READY = "ready"
    CLOSING = "closing"


def time_now() -> str:
    """The time for people and files."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass
class Member:
    """An agent of the study."""

    name: str
    """The engine's name of its allocation."""
    asked_at: float
    """When it was asked for, on the clock of the bridge."""
    phase: Phase = Phase.PENDING
    node: str = ""
    """Its machine; empty before it has one."""
    why: str = ""
    """Why it waits, or closes."""
    since: str = field(default_factory=time_now)
    """Beginning of its phase."""
    runs_since: float | None = None
    """When it was first seen to run."""
    ends_at: float | None = None
    """When the engine takes it back; None without a limit."""
    margin_s: float = 0.0
    """Seconds before that in which it saves what there is."""
    heard_at: float | None = None
    """Its last sign of life; None before the first."""
    clock: float = 0.0
    """The last time of its own clock that was heard."""
    attaches_at: float = 0.0
    """Not before then is it connected to again."""
    is_given_back: bool = False
    """Whether the engine says that its allocation is gone."""
    dead_from: float | None = None
    """When nothing of it can be left, where that is known."""
    slots: list[str] = field(default_factory=list)
    attempts: dict[str, str] = field(default_factory=dict)
    """Attempts there, each with the time of its start."""
    has_done_work: bool = False
    """Whether an attempt there has ended by itself, without an error."""
    outbox: Outbox = field(default_factory=Outbox)
    inbox: Inbox = field(default_factory=Inbox)
    line: AgentLine | None = None

    def enter(self, phase: Phase, why: str = "") -> None:
        """Be in a phase from now on."""
        self.phase, self.why, self.since = phase, why, time_now()

    def post(self, letter: Letter) -> None:
        """Send a letter to the agent, now or once it is connected."""
        written = self.outbox.put(letter)
        if self.line is not None and self.line.is_greeted:
            self.line.pipe.send(written)

    def ping(self) -> None:
        """Send a sign of life."""
        if self.line is not None and self.line.is_greeted:
            self.line.pipe.send(encode(Ping(self.inbox.received, self.clock)))

    def greet(self, received: int) -> None:
        """Answer the first line of a connection.

        Args:
            received: number of the last letter that the agent has.
        """
        assert self.line is not None
        self.line.is_greeted = True
        # first, because with it the agent's lease begins
        self.ping()
        self.outbox.acknowledge(received)
        for written in self.outbox.lines():
            self.line.pipe.send(written)

    def to_tree(self, now: float) -> dict[str, object]:
        """What is told of it to people."""
        left_s = None if self.ends_at is None else self.ends_at - now
        return {
            "name": self.name,
            "node": self.node,
            "state": self.phase.value,
            "why": self.why,
            "since": self.since,
            "ends": None if left_s is None else _in(left_s),
            "slots": len(self.slots),
            "attempts": [
                {"attempt": attempt, "since": since} for attempt, since in self.attempts.items()
            ],
        }


def _in(seconds: float) -> str:
    at = datetime.now(UTC).timestamp() + seconds
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


class AgentLine(Protocol):
    """A connection to an agent."""

    since: float
    """When it was begun, on the clock of the bridge."""
    is_greeted: bool
    """Whether the first line of the agent has come and was answered."""
    pipe: LinePipe

    def close(self) -> int:
        """End it; returns `AGENT_IS_GONE` where it ended because the agent has."""
        ...


class AttachedLine:
    """A connection to an agent: a process of the engine whose input and output lead there.

    Args:
        command: of the engine.
        now: on the clock of the bridge.
    """

    def __init__(self, command: Sequence[str], now: float) -> None:
        self.since = now
        self.is_greeted = False
        # an end of the process, or of a whole terminal, must not reach it before the bridge
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=sys.stderr,
            start_new_session=True,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self.pipe = LinePipe(self._process.stdout.fileno(), self._process.stdin.fileno())

    def close(self) -> int:
        """End it; returns the exit status of the process, which `attach` says."""
        assert self._process.stdin is not None and self._process.stdout is not None
        # killed, the engine would wait for it where the agent is
        self._process.stdin.close()
        try:
            status = self._process.wait(timeout=_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._process.stdout.close()
        return status
