"""The allocations of a study: asked for, looked at, and given back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from search.agent_messages import OpenBridge
from search.errors import UserError
from search.executors.engines.engine import Allocation, State
from search.executors.lease import DIES_WITHIN_S
from search.executors.remote.agent_files import end_of_output
from search.executors.remote.agent_lease import clock_s
from search.executors.remote.backoff import Backoff
from search.executors.remote.cluster_calls import ClusterCalls
from search.executors.remote.member import Member, Phase
from search.plain.engine_words import allocation_word

_STATUS_S = 5.0
# for as long after an agent was asked for
_STATUS_SOON_S = 1.0
_SOON_S = 30.0
# so that thousands of users with large studies do not keep the engine busy
_STATUS_OF_MANY_S = 30.0
_MANY = 100
_MARGIN_S = 120.0
# of the time that is left when the agent is first seen
_MARGIN_SHARE = 0.25


class Allocations:
    """Asks the engine for what is missing, and knows how all stand.

    Args:
        jobs: the calls to the engine.
        given: what agents are to be.
        members: by name, those that were asked for and are not gone; new ones are put there.
        say: shows the user a line.
    """

    def __init__(
        self,
        jobs: ClusterCalls,
        given: OpenBridge,
        members: dict[str, Member],
        say: Callable[[str], None],
    ) -> None:
        self._jobs = jobs
        self._name = given.engine
        self._agents = Path(given.agents)
        self._word = allocation_word(given.engine)
        self._members = members
        self._say = say
        self._backoff = Backoff()
        self._has_given = False
        self._asks = True
        self._is_swept = False
        self._status_at = 0.0
        self._told_wait = ""
        self._last_loss = ""

    @property
    def is_given_back(self) -> bool:
        """Whether the engine has taken note of all that was given back."""
        return not (self._jobs.is_asking or self._jobs.is_giving_back)

    @property
    def has_worked(self) -> bool:
        """Whether an agent has opened a slot."""
        return self._backoff.has_worked

    def turn(self, now: float, *, has_too_few: Callable[[], bool]) -> None:
        """Do what is due.

        Args:
            has_too_few: whether one more is wanted.

        Raises:
            UserError: there will be no agents.
        """
        self._jobs.look()
        if self._is_swept:
            self._ask(now, has_too_few)
            self._ask_for_status(now)
        elif not self._jobs.is_looking:
            self._jobs.ask_for_status(self._sweep, self._fail)

    def close_asking(self) -> None:
        """Ask for no more agents; give back those that nobody has reached."""
        self._asks = False
        self.give_back(each.name for each in self._members.values() if each.heard_at is None)

    def give_all_back(self) -> None:
        """Give every allocation back."""
        self._jobs.look()
        self.give_back(self._members)

    def give_back(self, names: Iterable[str]) -> None:
        """Give allocations back."""
        self._jobs.give_back(names)

    def note_work(self) -> None:
        """An agent has opened a slot."""
        self._backoff.note_work()

    def exclude(self, node: str) -> None:
        """Ask for no agent on a node any more."""
        self._backoff.exclude(node)

    def note_loss(self, member: Member, why: str, now: float) -> None:
        """Note that an agent was lost, whose place another takes later.

        Raises:
            UserError: all agents end so.
        """
        began = member.runs_since if member.runs_since is not None else now
        before = self._backoff.excluded
        done = member.has_done_work
        self._backoff.note_loss(member.node, now - began, now, has_done_work=done)
        self._last_loss = f"{why}. Its output: {end_of_output(self._agents, member.name)}"
        self._check_hope()
        if self._asks:
            self._say(why)
            if member.node in self._backoff.excluded and member.node not in before:
                self._say(f"{member.node} gets no more trials: agents there end soon after a start")

    def _sweep(self, listed: Sequence[Allocation]) -> None:
        """Give back what a run that was killed has left: its agents leave when their lease ends."""
        self._is_swept = True
        self.give_back(each.identifier for each in listed if each.state is not State.GONE)

    def _fail(self, problem: str) -> None:
        raise UserError(f"--on {self._name}: {problem}")

    def _ask(self, now: float, has_too_few: Callable[[], bool]) -> None:
        if self._jobs.is_asking or not self._asks or not has_too_few():
            return
        excluded = self._backoff.excluded
        if (full := self._jobs.is_full(excluded)) is not None:
            if not self._members:
                raise UserError(f"--on {self._name}: {full}. Run the same command in another job.")
        elif self._backoff.may_ask(now):
            self._jobs.ask(excluded, self._note_asked)

    def _note_asked(self, name: str | None, problem: str | None) -> None:
        now = clock_s()
        if name is None:
            if not self._has_given:
                raise UserError(
                    f"--on {self._name}: {problem}. Change what the study file asks for (on, "
                    "resources), then run the same command again."
                )
            self._say(f"{self._name}: {problem}")
            self._backoff.note_loss("", 0.0, now, has_done_work=False)
            self._check_hope()
            return
        self._has_given = True
        self._members[name] = Member(name, asked_at=now)
        if not self._asks:
            self.give_back([name])

    def _ask_for_status(self, now: float) -> None:
        every_s = self._status_every(now)
        if self._members and now - self._status_at >= every_s and not self._jobs.is_looking:
            self._status_at = now
            self._jobs.ask_for_status(partial(self._note_status, now))

    def _status_every(self, now: float) -> float:
        if len(self._members) >= _MANY:
            return _STATUS_OF_MANY_S
        waiting = (each for each in self._members.values() if each.phase is Phase.PENDING)
        is_soon = any(now - each.asked_at < _SOON_S for each in waiting)
        return _STATUS_SOON_S if is_soon else _STATUS_S

    def _note_status(self, now: float, listed: Sequence[Allocation]) -> None:
        found = {each.identifier: each for each in listed}
        for member in list(self._members.values()):
            # one that came since then is not listed
            if member.asked_at < now:
                self._note_state(member, found.get(member.name), now)
        self._tell_wait()

    def _note_state(self, member: Member, found: Allocation | None, now: float) -> None:
        if found is not None:
            member.node = member.node or found.node
        if found is None or found.state is State.GONE:
            member.is_given_back = True
            member.why = found.why if found is not None and found.why else member.why
            if found is not None and found.has_ended and member.dead_from is None:
                member.dead_from = now + DIES_WITHIN_S
            return
        if found.state is State.PENDING and member.heard_at is not None:
            # requeued: what comes back is another agent, and its place is taken before that
            member.is_given_back = True
            self.give_back([member.name])
            return
        if found.state is State.PENDING:
            member.why = found.why
        elif member.phase is Phase.PENDING:
            member.runs_since = now
            member.enter(Phase.STARTING)
        if found.ends_in_s is not None:
            member.ends_at = now + found.ends_in_s
            member.margin_s = member.margin_s or min(_MARGIN_S, _MARGIN_SHARE * found.ends_in_s)

    def _tell_wait(self) -> None:
        """Tell why the first agent is not there yet."""
        waiting = [
            each
            for each in self._members.values()
            if each.phase is Phase.PENDING and not each.is_given_back
        ]
        if len(waiting) < len(self._members) or not waiting or not waiting[0].why:
            return
        text = f"{self._name}: {self._word} {waiting[0].name} waits: {waiting[0].why}"
        if text != self._told_wait:
            self._told_wait = text
            self._say(text)

    def _check_hope(self) -> None:
        """Raise where another agent would be no better than the ones before."""
        if self._asks and self._backoff.gives_up:
            raise UserError(
                f"--on {self._name}: agents end one after another, the last one as: "
                f"{self._last_loss}"
            )
