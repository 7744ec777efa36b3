"""The agents of a study: connected to, pinged, told, and given up when certainly gone."""

from __future__ import annotations

import selectors
import signal
from collections.abc import Callable

from search.agent_messages import (
    Gone,
    Joined,
    Leave,
    Letter,
    OpenBridge,
    Ping,
    StartAttempt,
    Told,
)
from search.errors import UserError
from search.executors.lease import DIES_WITHIN_S, ENDED_S
from search.executors.remote.agent_lease import is_certainly_over
from search.executors.remote.allocations import Allocations
from search.executors.remote.attach import AGENT_IS_GONE
from search.executors.remote.cluster_calls import ClusterCalls
from search.executors.remote.letters import letter, opened
from search.executors.remote.member import Member, Phase, time_now
from search.executors.remote.same_versions import difference
from search.executors.remote.study_files import StudyFiles
from search.messages import Exited, Message, SlotClosed, SlotClosing, SlotOpened
from search.plain.engine_words import allocation_word, environment_remedy
from search.wire import decode, encode

_PING_S = 5.0
_SILENT_S = 20.0
_JOINS_WITHIN_S = 90.0
_AGAIN_S = 2.0
# an attempt may be under way to an agent that is let go
_IDLE_GRACE_S = 30.0

Tell = Callable[[Message], None]


class Fleet:
    """Keeps as many agents as are wanted.

    Args:
        jobs: the calls to the engine.
        given: what agents are to be.
        selector: told which connections to wait for.
        tell: sends a message to the coordinator.
    """

    def __init__(
        self, jobs: ClusterCalls, given: OpenBridge, selector: selectors.BaseSelector, tell: Tell
    ) -> None:
        self._name = given.engine
        self._jobs = jobs
        self._word = allocation_word(given.engine)
        self._selector = selector
        self._tell = tell
        self._members: dict[str, Member] = {}
        self._greeting: list[Letter] = []
        self._pinged_at = 0.0
        self._allocations = Allocations(jobs, given, self._members, self._say)
        self._files = StudyFiles(self._send, self._say)
        self.wanted = 0

    @property
    def members(self) -> list[Member]:
        """All that were asked for and are not gone."""
        return list(self._members.values())

    @property
    def is_given_back(self) -> bool:
        """Whether the engine has taken note of all that was given back."""
        return self._allocations.is_given_back

    @property
    def is_flushed(self) -> bool:
        """Whether all that was said to agents is written that can be."""
        lines = (each.line for each in self._members.values())
        return all(line is None or line.pipe.is_flushed for line in lines)

    def get(self, name: str) -> Member | None:
        """The agent of this name; None where it is gone."""
        return self._members.get(name)

    def greet_with(self, order: Letter) -> None:
        """Send a letter to all agents, now and later."""
        self._greeting.append(order)
        for member in self._members.values():
            if member.heard_at is not None:
                member.post(order)

    def note_start(self, member: Member, attempt: str, order: StartAttempt) -> None:
        """Note that an attempt is begun at an agent."""
        member.attempts[attempt] = time_now()
        self._files.note_start(member.name, attempt, order)

    def turn(self, now: float) -> None:
        """Do what is due.

        Raises:
            UserError: there will be no agents.
        """
        self._allocations.turn(now, has_too_few=self._has_too_few)
        self.listen(now)
        for member in self.members:
            self._attach(member, now)
            self._end_in_time(member, now)
        self._let_idle_go(now)

    def listen(self, now: float) -> None:
        """Ping all, and give up those that are certainly gone."""
        if now - self._pinged_at >= _PING_S:
            self._pinged_at = now
            for member in self._members.values():
                member.ping()
        for member in self.members:
            if member.line is not None:
                member.line.pipe.flush()
            self._look_at_line(member, now)
            self._give_up(member, now)

    def close_asking(self) -> None:
        """Ask for no more agents; give back those that nobody has reached."""
        self._allocations.close_asking()

    def give_all_back(self) -> None:
        """Give every allocation back."""
        self._allocations.give_all_back()

    def _has_too_few(self) -> bool:
        return len(self._staying) < self.wanted

    @property
    def _staying(self) -> list[Member]:
        """Those that are there, or come, and do not leave."""
        return [each for each in self._members.values() if each.phase is not Phase.CLOSING]

    def _let_idle_go(self, now: float) -> None:
        """Give back what others can use, the last that was asked for first, once there are fewer
        trials than agents."""
        staying = self._staying
        idle = [each for each in reversed(staying) if not each.attempts]
        for member in idle[: max(0, len(staying) - self.wanted)]:
            why = "no trial is left to begin"
            if member.phase is Phase.READY:
                member.enter(Phase.CLOSING, why)
                member.post(letter(Leave(why, grace_s=_IDLE_GRACE_S)))
            else:
                self._remove(member, why, now)

    def _attach(self, member: Member, now: float) -> None:
        runs = member.phase is not Phase.PENDING and not member.is_given_back
        if member.line is not None or not runs or now < member.attaches_at:
            return
        member.line = self._jobs.attach(member.name, now)
        # what arrives is read by the next turn
        self._selector.register(member.line.pipe.reading, selectors.EVENT_READ, lambda: None)

    def _look_at_line(self, member: Member, now: float) -> None:
        """Read what has come from an agent; let go a connection that is broken or silent."""
        line = member.line
        if line is None:
            return
        for text in line.pipe.read():
            member.heard_at = now
            self._hear(member, decode(text), now)
        last = line.since if not line.is_greeted else (member.heard_at or now)
        is_silent = now - last > (_SILENT_S if line.is_greeted else _JOINS_WITHIN_S)
        if member.name not in self._members or line.pipe.is_broken or is_silent:
            self._let_go(member, now)

    def _let_go(self, member: Member, now: float) -> None:
        line, member.line = member.line, None
        if line is None:
            return
        self._selector.unregister(line.pipe.reading)
        self._files.drop(member.name)
        if line.close() == AGENT_IS_GONE and member.heard_at is not None:
            member.dead_from = now + DIES_WITHIN_S
        member.attaches_at = now + _AGAIN_S

    def _hear(self, member: Member, message: Message, now: float) -> None:
        match message:
            case Joined():
                self._welcome(member, message, now)
            case Ping():
                member.clock = message.clock
                member.outbox.acknowledge(message.received)
            case Letter() if member.inbox.is_new(message):
                self._forward(member, message, now)
            case _:
                self._files.hear(member.name, message)

    def _welcome(self, member: Member, joined: Joined, now: float) -> None:
        if not member.outbox.can_go_on_from(joined.received):
            self._replace(member, now)
            return
        member.node, member.clock = joined.node, joined.clock
        if (differs := difference(joined.node, joined.versions)) is not None:
            self._refuse(member, f"{differs}. {environment_remedy(self._name)}", now)
            return
        if member.phase is Phase.STARTING:
            member.enter(Phase.READY)
            for order in self._greeting:
                member.post(order)
            self._tell(letter(joined, agent=member.name))
        member.greet(joined.received)

    def _replace(self, member: Member, now: float) -> None:
        """Do without an allocation that the engine began anew: the agent that was there may still
        run where its node was only cut off, and nobody else can tell when it has ended."""
        member.enter(Phase.CLOSING, f"{self._name} has begun its {self._word} anew")
        member.is_given_back = True
        member.dead_from = now + ENDED_S
        self._allocations.give_back([member.name])
        self._let_go(member, now)

    def _forward(self, member: Member, carried: Letter, now: float) -> None:
        about = carried.about
        match opened(carried):
            case SlotOpened():
                member.slots.append(about)
                self._allocations.note_work()
            case SlotClosing(why=why) if member.phase is not Phase.CLOSING:
                member.enter(Phase.CLOSING, why)
            case Exited(status=status):
                member.attempts.pop(about, None)
                member.has_done_work |= status == 0
                self._files.forget(about)
            case Gone(problem=str(problem)):
                self._refuse(member, problem, now)
                return
            case Gone():
                # it stays until it knows that this has arrived
                member.ping()
                self._remove(member, f"agent {member.name} has left", now)
                return
        self._tell(Letter(carried.message, member.name, about))

    def _end_in_time(self, member: Member, now: float) -> None:
        """Let attempts save before the engine takes the allocation back."""
        if member.phase is not Phase.READY or member.ends_at is None:
            return
        left_s = member.ends_at - now
        if left_s < member.margin_s:
            why = f"the time of {self._word} {member.name} is nearly over"
            member.enter(Phase.CLOSING, why)
            member.post(letter(Leave(why, grace_s=max(1.0, 0.8 * left_s))))

    def _refuse(self, member: Member, problem: str, now: float) -> None:
        """Do without an agent that cannot work, and without its node.

        Raises:
            UserError: no other has worked before.
        """
        if not self._allocations.has_worked:
            raise UserError(problem)
        self._say(f"{problem} {member.node} gets no more trials")
        self._allocations.exclude(member.node)
        self._remove(member, problem, now)

    def _give_up(self, member: Member, now: float) -> None:
        """Let go of an agent that is certainly gone."""
        if member.name not in self._members:
            return
        where = f"node {member.node}" if member.node else f"{self._word} {member.name}"
        if member.heard_at is None:
            if member.is_given_back:
                on = f" on node {member.node}" if member.node else ""
                self._lose(
                    member, f"{self._word} {member.name} ended{on} before its agent started", now
                )
        elif member.dead_from is not None and now > member.dead_from:
            self._lose(member, f"{where} was lost: the agent there has died", now)
        elif is_certainly_over(member.heard_at, now):
            silent_s = now - member.heard_at
            is_gone = f"its {self._word} is gone"
            what = is_gone if member.is_given_back else f"silent for {silent_s:.0f} s"
            self._lose(member, f"{where} was lost: {what}", now)

    def _lose(self, member: Member, why: str, now: float) -> None:
        """Give up an agent, and the allocation where it has any.

        Raises:
            UserError: all agents end so.
        """
        self._remove(member, why, now)
        self._allocations.note_loss(member, why, now)

    def _remove(self, member: Member, why: str, now: float) -> None:
        """Forget an agent; tell of each attempt and slot that it had that they are gone."""
        del self._members[member.name]
        self._let_go(member, now)
        # before the ends of attempts, after which a trial would go on in the same slot
        for slot in member.slots:
            self._tell(letter(SlotClosed(why), agent=member.name, about=slot))
        for attempt in member.attempts:
            self._files.forget(attempt)
            gone = Exited(attempt, -signal.SIGKILL, lost=why)
            self._tell(letter(gone, agent=member.name, about=attempt))
        if not member.is_given_back:
            self._allocations.give_back([member.name])

    def _send(self, name: str, message: Message) -> None:
        member = self._members.get(name)
        if member is not None and member.line is not None and member.line.is_greeted:
            member.line.pipe.send(encode(message))

    def _say(self, text: str) -> None:
        self._tell(Told(text))
