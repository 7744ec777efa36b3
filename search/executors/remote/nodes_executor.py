"""The executor of an allocation of several machines, on the first of them: a trial has ranks on
each, all else is done here."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from functools import partial
from selectors import EVENT_READ, BaseSelector
from time import monotonic, sleep

from search.agent_messages import Serve, StartAttempt
from search.executors.local import FIT, LocalExecutor
from search.executors.remote.agent_lease import clock_s
from search.executors.remote.other_node import OtherNode
from search.executors.remote.ranked_attempt import RankedAttempt
from search.layout import TrialFolder
from search.messages import Exited, Expect, Kill, Message, Preload, Slot, StartSettled

_KILLED = -9
_GOODBYE_S = 3.0

Messages = list[tuple[str, Message]]


class _Work:
    """A ranked attempt with what its ranks are begun with."""

    def __init__(self, attempt: RankedAttempt, folder: TrialFolder, slot: Slot, index: int) -> None:
        self.attempt = attempt
        self.folder = folder
        self.slot = slot
        # of the slot, on each of the machines
        self.index = index
        self.variables: dict[str, str] = {}
        self.fence = ""
        # machines by the ranks that were begun there; 0 is this one
        self.ranks: dict[int, int] = {}


class NodesExecutor:
    """Does what `LocalExecutor` does, for an agent.

    Args:
        local: the executor of this machine.
        others: the other machines, in their order.
        serve: what their agents are to be.
        address: of this machine, as the others see it.
        selector: that of `local`.
    """

    def __init__(
        self,
        local: LocalExecutor,
        others: Sequence[OtherNode],
        serve: Serve,
        address: str,
        selector: BaseSelector,
    ) -> None:
        self._local = local
        self._others = others
        self._processes = serve.processes
        self._address = address
        self._selector = selector
        self._work: dict[str, _Work] = {}
        self._slots: Sequence[Slot] = ()
        self._is_open = False
        self._given_up: set[str] = set()
        for other in others:
            selector.register(other.reading, EVENT_READ, partial(self._read, other))
            other.post(serve)

    @property
    def is_ready(self) -> bool:
        """Whether all that is preloaded is imported here."""
        return self._local.is_ready

    @property
    def lost(self) -> str | None:
        """What became of another machine, in words; None where all are there."""
        return next((each.lost for each in self._others if each.lost is not None), None)

    def preload(self, modules: Sequence[str], *, warm_up: bool) -> None:
        """As the protocol says, on every machine."""
        self._local.preload(modules, warm_up=warm_up)
        for other in self._others:
            other.post(Preload(modules=tuple(modules), warm_up=warm_up))

    def open_slots(self, wanted: Sequence[Slot]) -> None:
        """Open slots as soon as every machine has them."""
        self._slots = wanted
        for other in self._others:
            other.post(Expect(len(wanted)))

    def start(self, attempt: str, task: str, folder: TrialFolder, slot: Slot) -> None:
        """Begin an attempt; of a fit its first rank."""
        if task != FIT:
            self._local.start(attempt, task, folder, slot)
            return
        port = _free_port()
        index = next(
            (number for number, each in enumerate(self._slots) if each.gpus == slot.gpus), 0
        )
        work = _Work(RankedAttempt(attempt, port), folder, slot, index)
        nodes = 1 + len(self._others)
        work.variables = {
            "SEARCH_NODES": str(nodes),
            "LOCAL_WORLD_SIZE": str(self._processes),
            "WORLD_SIZE": str(nodes * self._processes),
            "MASTER_ADDR": self._address,
            "MASTER_PORT": str(port),
        }
        self._work[attempt] = work
        work.ranks[0] = 0
        work.fence = self._local.start_rank(attempt, folder, slot, variables=self._of(work, 0))

    def poll(self, timeout_s: float) -> Messages:
        """As the protocol says.

        Raises:
            UserError: another machine cannot work.
        """
        heard = self._local.poll(timeout_s)
        now = clock_s()
        told: Messages = []
        for name, message in heard:
            told += self._hear(name, message, now)
        for other in self._others:
            other.keep_in_touch(now)
            if other.lost is not None:
                self._give_up(other)
        for work in list(self._work.values()):
            for rank in work.attempt.overdue(now):
                self._kill_rank(work, rank)
            told += self._bury(work, now)
        self._open_where_all_are_ready()
        return told

    def send(self, attempt: str, message: Message) -> None:
        """Send to the first rank of an attempt, which tells the others."""
        self._local.send(attempt, message)

    def kill(self, attempt: str, *, dump: bool = False) -> None:
        """Kill all ranks of an attempt."""
        work = self._work.get(attempt)
        if work is None:
            self._local.kill(attempt, dump=dump)
            return
        for rank in work.attempt.kill():
            self._kill_rank(work, rank, dump=dump)

    def close(self) -> None:
        """Kill all ranks on all machines, and let their agents go."""
        for other in self._others:
            other.dismiss()
        self._local.close()
        deadline = monotonic() + _GOODBYE_S
        while monotonic() < deadline and not all(each.is_broken for each in self._others):
            for other in self._others:
                other.read()
            sleep(0.01)
        for other in self._others:
            other.close()

    def _read(self, other: OtherNode) -> Messages:
        told = other.read()
        if other.is_broken:
            self._selector.unregister(other.reading)
        return told

    def _open_where_all_are_ready(self) -> None:
        count = len(self._slots)
        if self._is_open or not count:
            return
        if all(len(each.slots) >= count for each in self._others):
            self._is_open = True
            self._local.open_slots(self._slots)

    def _hear(self, name: str, message: Message, now: float) -> Messages:
        attempt, _, rank = name.partition("#")
        work = self._work.get(attempt)
        if work is None:
            return [(name, message)]
        if isinstance(message, StartSettled):
            self._begin_others(work, message)
            return []
        told = work.attempt.hear(int(rank or 0), message, now)
        if any(isinstance(each, Exited) for _, each in told):
            del self._work[attempt]
        return told

    def _begin_others(self, work: _Work, settled: StartSettled) -> None:
        """Begin the other ranks, once what they begin from is in its place."""
        if work.attempt.is_ending:
            return
        work.variables["SEARCH_BEGINS_FROM"] = settled.checkpoint
        for rank in range(1, self._processes * (1 + len(self._others))):
            node = work.ranks[rank] = rank // self._processes
            name, variables = _name(work, rank), self._of(work, rank)
            if node == 0:
                self._local.start_rank(
                    name, work.folder, work.slot, variables=variables, fence=work.fence
                )
                continue
            other = self._others[node - 1]
            folder, slot = str(work.folder.root.absolute()), other.slots[work.index]
            other.post(StartAttempt(FIT, folder, slot, variables, work.fence), name)
        work.attempt.begin(range(1, len(work.ranks)))

    def _of(self, work: _Work, rank: int) -> dict[str, str]:
        """The variables of a rank."""
        node, local_rank = divmod(rank, self._processes)
        own = {"RANK": str(rank), "LOCAL_RANK": str(local_rank), "NODE_RANK": str(node)}
        return {**work.variables, **own}

    def _kill_rank(self, work: _Work, rank: int, *, dump: bool = False) -> None:
        node, name = work.ranks[rank], _name(work, rank)
        if node == 0:
            self._local.kill(name, dump=dump)
        else:
            self._others[node - 1].post(Kill(name, dump), name)

    def _give_up(self, other: OtherNode) -> None:
        """Kill the attempts that have ranks on a machine that is lost."""
        if other.node in self._given_up:
            return
        self._given_up.add(other.node)
        assert other.lost is not None
        for work in self._work.values():
            work.attempt.lose(other.lost)
            for rank in work.attempt.kill():
                self._kill_rank(work, rank)

    def _bury(self, work: _Work, now: float) -> Messages:
        """The end of an attempt whose last ranks were on machines that are certainly over."""
        told: Messages = []
        for rank in work.attempt.open_ranks:
            node = work.ranks[rank]
            other = self._others[node - 1] if node else None
            if other is not None and other.lost is not None and other.is_certainly_over(now):
                name = _name(work, rank)
                told += self._hear(name, Exited(name, _KILLED, lost=other.lost), now)
        return told


def _name(work: _Work, rank: int) -> str:
    """The name of a rank in the executor of its machine."""
    return f"{work.attempt.name}#{rank}" if rank else work.attempt.name


def _free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        port: int = probe.getsockname()[1]
    return port
