"""The agent of another machine of the same allocation, which carries out ranks of attempts.

It is an agent as any other; the first one of the allocation is its bridge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from search.agent_messages import Gone, Joined, Leave, Letter, Ping
from search.errors import UserError
from search.executors.lease import DIES_WITHIN_S
from search.executors.remote.agent_files import end_of_output
from search.executors.remote.agent_lease import clock_s, is_certainly_over
from search.executors.remote.attach import AGENT_IS_GONE
from search.executors.remote.letters import letter, opened
from search.executors.remote.member import AttachedLine, Member
from search.executors.remote.same_versions import difference
from search.messages import Message, Slot, SlotOpened
from search.wire import decode

_PING_S = 2.0
_SILENT_S = 20.0
_JOINS_WITHIN_S = 120.0

Messages = list[tuple[str, Message]]


@dataclass(frozen=True)
class Companions:
    """The other machines of an allocation, as the engine tells its first agent."""

    address: str
    """Address of the first machine, as the others see it."""
    nodes: tuple[str, ...]
    """Names of the others."""
    lines: tuple[tuple[str, ...], ...]
    """Command for each of them whose input and output lead to its agent."""


class OtherNode:
    """Connects to the agent there and keeps in touch with it.

    Args:
        folder: of the agents' files.
        name: of the agent.
        node: its machine.
        command: whose input and output lead to it.
        age_s: seconds since the last sign of life by which the first agent's own lease was
            prolonged, so that this one's never ends after it.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        node: str,
        command: Sequence[str],
        age_s: Callable[[], float],
    ) -> None:
        self.node = node
        self._folder = folder
        self._age_s = age_s
        now = clock_s()
        self._member = Member(name, asked_at=now)
        self._pinged_at = 0.0
        self._ended_at: float | None = None
        self.slots: list[Slot] = []
        self.lost: str | None = None
        try:
            self._line = AttachedLine(command, now)
        except OSError as error:
            raise UserError(f"node {node}: cannot run {command[0]}: {error.strerror}") from error
        self._member.line = self._line

    @property
    def reading(self) -> int:
        """The descriptor to wait for."""
        return self._line.pipe.reading

    def post(self, message: Message, about: str = "") -> None:
        """Send a message to the agent there, now or once it has joined."""
        self._member.post(letter(message, about=about))

    def keep_in_touch(self, now: float) -> None:
        """Ping it, and find out whether it is lost.

        Raises:
            UserError: it never came.
        """
        if self.lost is not None:
            return
        if now - self._pinged_at >= _PING_S:
            self._pinged_at = now
            self._member.ping()
        self._line.pipe.flush()
        heard_at = self._member.heard_at
        if heard_at is None and (
            self._line.pipe.is_broken or now - self._line.since > _JOINS_WITHIN_S
        ):
            raise UserError(
                f"node {self.node}: its agent did not start. "
                f"Its output: {end_of_output(self._folder, self._member.name)}."
            )
        if self._line.pipe.is_broken:
            self._lose("the agent there has ended")
        elif heard_at is not None and now - heard_at > _SILENT_S:
            self._lose(f"silent for {now - heard_at:.0f} s")

    def is_certainly_over(self, now: float) -> bool:
        """Whether no process of a lost one can be there any more."""
        if self._ended_at is not None and now > self._ended_at + DIES_WITHIN_S:
            return True
        return is_certainly_over(self._member.heard_at or self._line.since, now)

    def read(self) -> Messages:
        """What has come from attempts there.

        Raises:
            UserError: it cannot work.
        """
        told: Messages = []
        for line in self._line.pipe.read():
            now = clock_s()
            self._member.heard_at = now
            match decode(line):
                case Joined() as joined:
                    self._welcome(joined)
                case Ping() as ping:
                    self._hear_clock(ping.clock)
                    self._member.outbox.acknowledge(ping.received)
                case Letter() as carried if self._member.inbox.is_new(carried):
                    told += self._open(carried)
        return told

    @property
    def is_broken(self) -> bool:
        """Whether nothing more will come from it."""
        return self._line.pipe.is_broken

    def dismiss(self) -> None:
        """Order it to kill what it has and to leave."""
        self.post(Leave("its allocation is given back", grace_s=0.0))

    def close(self) -> None:
        """End the connection, and with it the agent where that is still there."""
        if self._line.close() == AGENT_IS_GONE:
            self._ended_at = clock_s()

    def _welcome(self, joined: Joined) -> None:
        if (differs := difference(joined.node, joined.versions)) is not None:
            raise UserError(f"{differs}. Give both the same environment.")
        self._hear_clock(joined.clock)
        self._member.greet(joined.received)

    def _hear_clock(self, clock: float) -> None:
        self._member.clock = clock - max(0.0, self._age_s())

    def _open(self, carried: Letter) -> Messages:
        match opened(carried):
            case SlotOpened(slot=slot):
                self.slots.append(slot)
            case Gone(problem=str(problem)):
                raise UserError(problem)
            case Gone():
                # it stays until it knows that this has arrived
                self._member.ping()
                self._lose("the agent there has left")
            case message:
                return [(carried.about, message)]
        return []

    def _lose(self, why: str) -> None:
        self.lost = f"node {self.node} was lost: {why}"
