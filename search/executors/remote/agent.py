"""An agent: a node's executor behind a socket, driven by letters.

`python -m search.executors.remote.agent FOLDER NAME NODE`, as the engine starts it. Knows no
study and no engine; never imports torch.
"""

from __future__ import annotations

import math
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from search.agent_messages import Gone, Joined, Leave, Letter, Ping, Serve, StartAttempt, Told
from search.errors import UserError
from search.executors.lease import ENDED_S
from search.executors.local import LocalExecutor
from search.executors.processes import boot_id
from search.executors.remote.agent_files import (
    announce,
    has_seal,
    other_name,
    server_log_of,
    withdraw,
)
from search.executors.remote.agent_lease import AgentLease, clock_s
from search.executors.remote.apart import ApartFiles
from search.executors.remote.letters import Inbox, Outbox, letter, opened
from search.executors.remote.line_pipe import LinePipe
from search.executors.remote.node_slots import node_slots
from search.executors.remote.nodes_executor import NodesExecutor
from search.executors.remote.other_node import Companions, OtherNode
from search.executors.remote.same_versions import versions_here
from search.executors.socket_folder import SocketFolder
from search.file_messages import SeesOtherDisk
from search.layout import TrialFolder
from search.messages import (
    Exited,
    Expect,
    Kill,
    Launched,
    Message,
    Preload,
    SlotClosed,
    SlotClosing,
    SlotOpened,
    Started,
    Stop,
)
from search.wire import decode, encode

_TICK_S = 1.0
_LAST_WORDS_S = 5.0
# the engine kills it sooner where it has less patience
_TOLD_BY_ENGINE = Leave("its job was told to end", grace_s=60.0)

Messages = list[tuple[str, Message]]


class Agent:
    """Serves one bridge after another until it is told to leave, or nobody speaks any more.

    Args:
        folder: of the agents' files.
        name: its own.
        node: its machine.
        companions: the other machines of its allocation; None where it has none.
    """

    def __init__(
        self, folder: Path, name: str, node: str, companions: Companions | None = None
    ) -> None:
        self._folder = folder
        self._companions = companions
        self._name = name
        self._node = node
        self._selector = selectors.DefaultSelector()
        self._sockets = SocketFolder()
        self._listener = self._sockets.listen()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._lease = AgentLease(clock_s())
        self._inbox, self._outbox = Inbox(), Outbox()
        self._connection: socket.socket | None = None
        self._pipe: LinePipe | None = None
        # letters wait until the bridge has said which ones it has
        self._is_greeted = False
        self._executor: LocalExecutor | NodesExecutor | None = None
        self._serve: Serve | None = None
        # where this machine does not see the disk of the study
        self._files: ApartFiles | None = None
        # slots that are opened as soon as an attempt in them would begin at once
        self._expected = 0
        self._slots: list[str] = []
        self._attempts: set[str] = set()
        self._is_leaving = False
        self._leaving_until = math.inf
        self._problem: str | None = None
        self._is_told_to_end = False

    def run(self) -> int:
        """Serve to the end; returns the exit status."""
        signal.signal(signal.SIGTERM, self._note_signal)
        announce(self._folder, self._name, self._sockets.path)
        try:
            while not self._is_done():
                self._turn()
            if self._executor is not None:
                # ends all attempts
                self._executor.close()
            # with the last letter its engine may end this process
            self._remove_files()
            if self._lease.is_over(clock_s()):
                print("no word from the coordinator: its trials may be others' now", flush=True)
                return 1
            self._say_goodbye()
            return 0 if self._problem is None else 1
        finally:
            self._remove_files()
            withdraw(self._folder, self._name)
            self._sockets.remove()

    def _remove_files(self) -> None:
        if self._files is not None:
            self._files.remove()
        self._files = None

    def _note_signal(self, *_: object) -> None:
        self._is_told_to_end = True

    def _is_done(self) -> bool:
        if self._problem is not None or self._lease.is_over(clock_s()):
            return True
        if not self._is_leaving:
            return False
        return not self._attempts or time.monotonic() >= self._leaving_until

    def _turn(self) -> None:
        try:
            said = self._wait()
            if self._is_told_to_end and not self._is_leaving:
                # before the ends of attempts that were told so with it
                self._leave(_TOLD_BY_ENGINE)
            if not self._lease.is_over(clock_s()):
                for about, message in said:
                    self._pass_on(about, message)
            self._look_at_companions()
            self._open_slots()
        except UserError as error:
            self._problem = str(error)
            if self._files is not None:
                self._problem = self._files.with_output(self._problem)
        if self._files is not None:
            self._files.turn()
        if self._pipe is not None:
            self._pipe.flush()

    def _open_slots(self) -> None:
        executor, serve = self._executor, self._serve
        if self._expected and executor is not None and serve is not None and executor.is_ready:
            executor.open_slots(node_slots(self._expected, serve.threads, serve.gpus))
            self._expected = 0

    def _look_at_companions(self) -> None:
        """Leave where another machine of the allocation is lost: the engine gives no other one."""
        lost = self._executor.lost if isinstance(self._executor, NodesExecutor) else None
        if lost is None or self._is_leaving:
            return
        self._is_leaving = True
        # until nothing of it can be left; its attempts are killed already
        self._leaving_until = time.monotonic() + 2 * ENDED_S
        for slot in self._slots:
            # not closing: who is told so is asked to save
            self._post(slot, SlotClosed(lost))

    def _wait(self) -> Messages:
        is_urgent = self._pipe is not None and not self._pipe.is_flushed
        timeout_s = 0.01 if is_urgent else _TICK_S
        if self._executor is not None:
            return self._executor.poll(timeout_s)
        for key, _ in self._selector.select(timeout_s):
            key.data()
        return []

    def _accept(self) -> Messages:
        connection, _ = self._listener.accept()
        # a bridge that lost its way here makes a new one
        self._drop()
        self._connection = connection
        self._pipe = LinePipe(connection.fileno(), connection.fileno())
        self._selector.register(connection, selectors.EVENT_READ, self._read)
        hello = Joined(
            self._node, boot_id(), versions_here(), self._inbox.received, clock=clock_s()
        )
        self._pipe.send(encode(hello))
        return []

    def _drop(self) -> None:
        if self._connection is not None:
            self._selector.unregister(self._connection)
            self._connection.close()
        self._connection = self._pipe = None
        self._is_greeted = False
        if self._files is not None:
            self._files.disconnect()

    def _read(self) -> Messages:
        assert self._pipe is not None
        for line in self._pipe.read():
            message = decode(line)
            # a machine that slept reads what was sent before others took over
            if self._lease.is_over(clock_s()):
                return []
            if isinstance(message, Ping):
                self._answer(message, self._pipe)
            elif isinstance(message, Letter) and self._inbox.is_new(message):
                self._obey(message)
            elif self._files is not None and not isinstance(message, Letter):
                self._files.hear(message)
        if self._pipe.is_broken:
            self._drop()
        return []

    def _answer(self, ping: Ping, pipe: LinePipe) -> None:
        self._lease.hear(ping.clock)
        self._outbox.acknowledge(ping.received)
        if not self._is_greeted:
            self._is_greeted = True
            for line in self._outbox.lines():
                pipe.send(line)
            if self._files is not None:
                self._files.connect(pipe.send)
        pipe.send(encode(Ping(self._inbox.received, clock_s())))

    def _obey(self, order: Letter) -> None:
        message = opened(order)
        match message:
            case Serve():
                self._begin(message)
            case Leave():
                self._leave(message)
            case StartAttempt() if self._is_leaving:
                self._post(order.about, Exited(order.about, -signal.SIGTERM, lost="it was leaving"))
            case _ if self._executor is not None:
                self._order(self._executor, order.about, message)

    def _order(self, executor: LocalExecutor | NodesExecutor, about: str, message: Message) -> None:
        match message:
            case Preload():
                executor.preload(message.modules, warm_up=message.warm_up)
            case Expect():
                self._expected = message.attempts
            case StartAttempt():
                self._attempts.add(about)
                if self._files is not None:
                    self._files.start(about, message)
                else:
                    self._start(about, message, TrialFolder(Path(message.folder)))
            case Kill():
                if self._files is not None and self._files.cancel(message.attempt):
                    self._tell(about, Exited(about, -signal.SIGKILL))
                else:
                    executor.kill(message.attempt, dump=message.dump)
            case _:
                executor.send(about, message)

    def _start(self, attempt: str, order: StartAttempt, folder: TrialFolder) -> None:
        executor = self._executor
        assert executor is not None
        if order.variables and isinstance(executor, LocalExecutor):
            executor.start_rank(
                attempt, folder, order.slot, variables=order.variables, fence=order.fence
            )
        else:
            executor.start(attempt, order.task, folder, order.slot)

    def _begin(self, serve: Serve) -> None:
        log = server_log_of(self._folder, self._name)
        if not has_seal(Path(serve.folder), serve.seal):
            if serve.nodes > 1:
                self._problem = (
                    f"{serve.folder}: is not the same folder on {self._node} as on the machine of "
                    "the study, which trials over several nodes need. Put the study on a disk "
                    "that all of them share (--studies)."
                )
                return
            # of another coordinator's attempts
            self._remove_files()
            self._files = ApartFiles(self._start, self._tell)
            if self._pipe is not None and self._is_greeted:
                self._files.connect(self._pipe.send)
            self._post("", SeesOtherDisk())
            log = self._files.server_log
        self._serve = serve
        local = LocalExecutor(
            serve.class_paths,
            serve.sys_path,
            server_log=log,
            note=lambda text: self._post("", Told(f"{self._node}: {text}")),
            selector=self._selector,
        )
        self._executor = local
        if self._companions is not None:
            self._executor = NodesExecutor(
                local,
                self._others(self._companions),
                serve,
                self._companions.address,
                self._selector,
            )

    def _others(self, companions: Companions) -> list[OtherNode]:
        def age_s() -> float:
            return self._lease.age_s(clock_s())

        folder, pairs = self._folder, zip(companions.nodes, companions.lines, strict=True)
        return [
            OtherNode(folder, other_name(self._name, number), node, line, age_s)
            for number, (node, line) in enumerate(pairs, 1)
        ]

    def _pass_on(self, about: str, message: Message) -> None:
        match message:
            case SlotOpened() if self._is_leaving:
                return
            case SlotOpened():
                self._slots.append(about)
            case Launched():
                message = structs.replace(message, node=self._node, boot_id=boot_id())
            case Started() if self._is_leaving and self._executor is not None:
                # it was not connected yet when the others were told
                self._executor.send(about, Stop())
        if self._files is None or self._files.pass_on(about, message):
            self._tell(about, message)

    def _tell(self, about: str, message: Message) -> None:
        if isinstance(message, Exited):
            self._attempts.discard(about)
        self._post(about, message)

    def _leave(self, order: Leave) -> None:
        if not self._is_leaving:
            for slot in self._slots:
                self._post(slot, SlotClosing(order.why))
        self._leaving_until = min(self._leaving_until, time.monotonic() + order.grace_s)
        self._is_leaving = True
        if self._executor is not None and order.grace_s:
            for attempt in self._attempts:
                self._executor.send(attempt, Stop())

    def _post(self, about: str, message: Message) -> None:
        posted = letter(message, about=about)
        if self._files is not None:
            told = self._files.in_words_of_study(about, posted.message)
            posted = structs.replace(posted, message=told)
        line = self._outbox.put(posted)
        if self._pipe is not None and self._is_greeted:
            self._pipe.send(line)

    def _say_goodbye(self) -> None:
        """Send the last letter, and wait until the bridge has it."""
        self._post("", Gone(self._problem))
        deadline = time.monotonic() + _LAST_WORDS_S
        while self._pipe is not None and self._outbox.lines() and time.monotonic() < deadline:
            self._pipe.flush()
            time.sleep(0.01)
            self._read()


def main(arguments: list[str], run: Callable[[Agent], int] = Agent.run) -> int:
    """Run the agent of this name; its files are in this folder."""
    folder, name, node = Path(arguments[0]), arguments[1], arguments[2]
    # everything that it makes is the user's alone
    os.umask(0o077)
    return run(Agent(folder, name, node))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
