"""Executor of other machines: orders to agents, through a bridge."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from search.agent_messages import (
    BridgeFailed,
    Dismiss,
    Joined,
    Letter,
    OpenBridge,
    Serve,
    StartAttempt,
    Told,
    WantAgents,
)
from search.errors import UserError
from search.executors.lease import ENDED_S
from search.executors.remote.agent_files import write_seal
from search.executors.remote.letters import letter, opened
from search.executors.server_environment import bridge_environment
from search.executors.signal_wakeup import SignalWakeup
from search.file_messages import SeesOtherDisk
from search.layout import StudyFolder, TrialFolder
from search.messages import (
    Exited,
    Expect,
    Kill,
    Message,
    Preload,
    Slot,
    SlotClosed,
    SlotClosing,
    SlotOpened,
)
from search.plain.whole_files import open_privately
from search.wire import LineBuffer, decode, encode

_CLOSE_TIMEOUT_S = 40.0
_MOST_BRIDGES = 3

Messages = list[tuple[str, Message]]


@dataclass(frozen=True)
class Cluster:
    """Where attempts are to run, and on what."""

    engine: str
    """Name of the engine."""
    options: Mapping[str, Any]
    """Options of the engine, as its class of options takes them."""
    name: str
    """Name by which the allocations of the study are found again."""
    slots_of_agent: int
    """Attempts at a time of one agent, in one allocation."""
    cpus: int
    """Cores of one attempt."""
    threads: int
    """CPU threads of each process of an attempt."""
    gpus: int | None = None
    """GPUs of one attempt; None where it sees those that it is given."""
    memory_bytes: int | None = None
    """Memory of one attempt; None for what the engine gives."""
    nodes: int = 1
    """Machines of one attempt, on each of which it has as much."""
    processes: int = 1
    """Processes of one attempt on each of them."""
    shares_disk: bool = False
    """Whether the folder of the study is on a disk that is made for several machines."""
    within: str | None = None
    """Job whose nodes are those of the agents; None where each is given one of its own."""


class RemoteExecutor:
    """Owns one bridge.

    Args:
        class_paths: dotted names to import before the first fork.
        sys_path: folders that come first on the attempts' import path.
        cluster: where they are to run.
        folder: of the study.
        note: shows the user a line.
    """

    def __init__(
        self,
        class_paths: Sequence[str],
        sys_path: Sequence[str],
        *,
        cluster: Cluster,
        folder: StudyFolder,
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._cluster = cluster
        self._folder = folder
        self._note = note
        self._selector = selectors.DefaultSelector()
        self._wakeup = SignalWakeup(self._selector)
        self._wanted = 0
        # agents that could take an attempt
        self._agents: list[str] = []
        self._agent_of: dict[str, str] = {}
        # attempts that were begun before any agent was there
        self._early: list[tuple[str, StartAttempt]] = []
        self._open: dict[str, Slot] = {}
        # more than are wanted, because an agent has several
        self._spare: dict[str, Slot] = {}
        self._unsaid: Messages = []
        self._is_apart_told = False
        self._orphaned_until: float | None = None
        self._bridges = 0
        serve = Serve(
            tuple(class_paths),
            tuple(sys_path),
            str(folder.agents.absolute()),
            write_seal(folder.agents),
            cluster.threads,
            cluster.gpus,
            cluster.processes,
            cluster.nodes,
        )
        self._to_all: list[Letter] = [letter(serve)]
        # a study that has all it was asked for needs none
        self._want = WantAgents(0)
        self._bridge = self._start_bridge()

    def _start_bridge(self) -> subprocess.Popen[bytes]:
        self._bridges += 1
        cluster, slots = self._cluster, self._cluster.slots_of_agent
        memory = cluster.memory_bytes
        given = OpenBridge(
            engine=cluster.engine,
            options=dict(cluster.options),
            name=cluster.name,
            agents=str(self._folder.agents.absolute()),
            roster=str(self._folder.nodes.absolute()),
            cpus=cluster.cpus * slots,
            gpus=(cluster.gpus or 0) * slots,
            memory_bytes=None if memory is None else memory * slots,
            nodes=cluster.nodes,
            shares_disk=cluster.shares_disk,
            within=cluster.within,
        )
        with open_privately(self._folder.server_log, "ab") as log:
            bridge = subprocess.Popen(
                [sys.executable, "-m", "search.executors.remote.bridge"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                env=bridge_environment(os.environ),
            )
        assert bridge.stdout is not None
        self._buffer = LineBuffer()
        self._selector.register(bridge.stdout, selectors.EVENT_READ, self._read_bridge)
        self._bridge = bridge
        for message in (given, *self._to_all, self._want):
            self._send(message)
        return bridge

    @property
    def shared_folder(self) -> Path | None:
        """Folder for the files of questions."""
        return self._folder.agents

    def preload(self, modules: Sequence[str], *, warm_up: bool) -> None:
        self._tell_all(Preload(modules=tuple(modules), warm_up=warm_up))

    def open_slots(self, wanted: Sequence[Slot]) -> None:
        self._wanted = len(wanted)
        self._tell_all(Expect(self._cluster.slots_of_agent))
        self.need_slots(len(wanted))

    def need_slots(self, count: int) -> None:
        self._ask_for(max(1, -(-count // self._cluster.slots_of_agent)))

    def until_ready(self, tick: Callable[[], None]) -> None:
        # each agent opens its slots when it is
        tick()

    def start(self, attempt: str, task: str, folder: TrialFolder, slot: Slot) -> None:
        own = replace(slot, agent="", threads=slot.threads if slot.agent else self._cluster.threads)
        order = StartAttempt(task, str(folder.root.absolute()), own)
        if slot.agent or self._agents:
            self._start_at(slot.agent or self._agents[0], attempt, order)
        else:
            self._early.append((attempt, order))
            self._ask_for(max(self._want.count, 1))

    def _ask_for(self, count: int) -> None:
        self._want = WantAgents(count)
        self._send(self._want)

    def _start_at(self, agent: str, attempt: str, order: StartAttempt) -> None:
        self._agent_of[attempt] = agent
        self._send(letter(order, agent=agent, about=attempt))

    def poll(self, timeout_s: float) -> Messages:
        messages, self._unsaid = self._unsaid, []
        for key, _ in self._selector.select(0 if messages else timeout_s):
            messages += key.data()
        if self._orphaned_until is not None and time.monotonic() > self._orphaned_until:
            messages += self._give_up_all()
        return messages

    def send(self, attempt: str, message: Message) -> None:
        if (agent := self._agent_of.get(attempt)) is not None:
            self._send(letter(message, agent=agent, about=attempt))

    def kill(self, attempt: str, *, dump: bool = False) -> None:
        waiting = [each for each in self._early if each[0] != attempt]
        if len(waiting) < len(self._early):
            self._early = waiting
            self._unsaid.append((attempt, Exited(attempt, -signal.SIGKILL)))
        else:
            self.send(attempt, Kill(attempt, dump))

    def close(self) -> None:
        self._wakeup.close()
        self._send(Dismiss())
        assert self._bridge.stdin is not None and self._bridge.stdout is not None
        with contextlib.suppress(OSError):
            self._bridge.stdin.close()
        try:
            # it would wait for who reads its last words
            self._bridge.communicate(timeout=_CLOSE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._bridge.kill()
            self._bridge.wait()
        except ValueError:
            self._bridge.wait()
        self._bridge.stdout.close()
        self._selector.close()

    def _tell_all(self, message: Message) -> None:
        order = letter(message)
        self._to_all.append(order)
        self._send(order)

    def _send(self, message: Message) -> None:
        assert self._bridge.stdin is not None
        if self._bridge.stdin.closed:
            # the next bridge is told all that counts
            return
        # one that is gone shows as end of its output
        with contextlib.suppress(BrokenPipeError):
            self._bridge.stdin.write(encode(message))
            self._bridge.stdin.flush()

    def _read_bridge(self) -> Messages:
        assert self._bridge.stdout is not None
        data = os.read(self._bridge.stdout.fileno(), 65536)
        if not data:
            return self._replace_bridge()
        messages: Messages = []
        for line in self._buffer.lines(data):
            match decode(line):
                case Told(text=text):
                    self._note(text)
                case BridgeFailed(problem=problem):
                    raise UserError(problem)
                case Letter() as read:
                    messages += self._heard(read.agent, read.about, opened(read))
        return messages

    def _heard(self, agent: str, about: str, message: Message) -> Messages:
        """What is to be passed on of a message of an agent."""
        match message:
            case Joined():
                self._agents.append(agent)
                early, self._early = self._early, []
                for attempt, order in early:
                    self._start_at(agent, attempt, order)
                return []
            case Told(text=text):
                self._note(text)
                return []
            case SeesOtherDisk():
                self._tell_apart()
                return []
            case SlotOpened():
                slot = replace(message.slot, agent=agent)
                return self._offer(f"{agent} {about}", slot)
            case SlotClosing() | SlotClosed():
                self._agents = [each for each in self._agents if each != agent]
                return self._withdraw(f"{agent} {about}", message)
            case Exited():
                self._agent_of.pop(about, None)
        return [(about, message)]

    def _tell_apart(self) -> None:
        if not self._is_apart_told:
            self._is_apart_told = True
            self._note(
                f"{self._folder.root} is not on the disks of the cluster's machines: "
                "configurations, checkpoints and logs travel through the connections to them"
            )

    def _offer(self, name: str, slot: Slot) -> Messages:
        if len(self._open) >= self._wanted:
            self._spare[name] = slot
            return []
        self._open[name] = slot
        return [(name, SlotOpened(slot))]

    def _withdraw(self, name: str, message: SlotClosing | SlotClosed) -> Messages:
        if name not in self._open:
            self._spare.pop(name, None)
            return []
        if isinstance(message, SlotClosing):
            return [(name, message)]
        del self._open[name]
        told: Messages = [(name, message)]
        if self._spare:
            other = next(iter(self._spare))
            told += self._offer(other, self._spare.pop(other))
        return told

    def _replace_bridge(self) -> Messages:
        """Wait until the agents of a bridge that was killed have ended their attempts.

        Raises:
            UserError: bridges die one after another.
        """
        self._end_bridge()
        if self._bridges >= _MOST_BRIDGES:
            raise UserError(
                f"the process that talks to {self._cluster.engine} ended {_MOST_BRIDGES} times. "
                f"Its output: {self._folder.server_log}. Remove the cause, then run the same "
                "command again."
            )
        self._note(
            f"the process that talks to {self._cluster.engine} was killed; its agents give up "
            f"within {ENDED_S:.0f} s, then trials go on"
        )
        self._orphaned_until = time.monotonic() + ENDED_S
        self._agents.clear()
        return []

    def _give_up_all(self) -> Messages:
        """The ends of all attempts and slots of the bridge before, and another bridge."""
        self._orphaned_until = None
        why = f"the process that talks to {self._cluster.engine} was killed"
        told: Messages = [(name, SlotClosed(why)) for name in self._open]
        told += [
            (attempt, Exited(attempt, -signal.SIGKILL, lost=why)) for attempt in self._agent_of
        ]
        self._agent_of.clear()
        self._open.clear()
        self._spare.clear()
        self._start_bridge()
        return told

    def _end_bridge(self) -> None:
        assert self._bridge.stdin is not None and self._bridge.stdout is not None
        self._selector.unregister(self._bridge.stdout)
        with contextlib.suppress(BrokenPipeError):
            self._bridge.stdin.close()
        self._bridge.stdout.close()
        self._bridge.wait()
