"""Executor of this machine: processes forked from a server that has torch imported."""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from search.errors import UserError
from search.executors.channel import Channel
from search.executors.processes import boot_id, end_attempt, end_child_of, owner_of
from search.executors.server_environment import server_environment
from search.executors.signal_wakeup import SignalWakeup
from search.layout import TrialFolder
from search.messages import (
    Exited,
    Expect,
    Kill,
    Launch,
    Launched,
    Message,
    Preload,
    Ready,
    Slot,
    SlotOpened,
)
from search.plain.host_memory import kernel_memory_kills
from search.plain.whole_files import open_privately
from search.wire import LineBuffer, decode, encode

_CLOSE_TIMEOUT_S = 5.0
_TICK_S = 0.25
MAX_SERVER_DEATHS = 3
FIT = "fit"


class LocalExecutor:
    """Owns one fork server and one channel.

    Args:
        class_paths: dotted names to import before the first fork.
        sys_path: folders that come first on the attempts' import path.
        server_log: where the server's own output goes.
        note: shows the user a line on how attempts are started.
        selector: what `poll` waits for, of one who waits for more; its data are functions that
            return the messages to pass on.
    """

    def __init__(
        self,
        class_paths: Sequence[str],
        sys_path: Sequence[str],
        *,
        server_log: Path,
        note: Callable[[str], None] = lambda _: None,
        selector: selectors.BaseSelector | None = None,
    ) -> None:
        self._selector = selector or selectors.DefaultSelector()
        self._owns_selector = selector is None
        self._channel = Channel(self._selector)
        self._wakeup = SignalWakeup(self._selector)
        self._server_log = server_log
        self._note = note
        # preloads that the server has not answered yet; launches wait until it has
        self._unanswered = 0
        self._launches: list[Launch] = []
        # slots that are open from the start, and the ends of attempts that were killed before their
        # launch
        self._unsaid: list[tuple[str, Message]] = []
        self._imports_late = False
        # sent again to a server that takes the place of another
        self._preloads: list[Preload] = []
        self._deaths = 0
        # the processes of the attempts at work; 0 until the server has launched one
        self._pids: dict[str, int] = {}
        # kills of the kernel for memory before the start of each of them
        self._memory_kills: dict[str, int] = {}
        # messages that came before the server reported the launch, kept so that `Launched` is first
        self._early_messages: dict[str, list[tuple[str, Message]]] = {}
        self._server = self._start_server()
        self._preload(Preload(class_paths=tuple(class_paths), sys_path=tuple(sys_path)))

    def _start_server(self) -> subprocess.Popen[bytes]:
        environment = server_environment(os.environ, owner_of(self._server_log))
        with open_privately(self._server_log, "ab") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", "search.trial", "--serve"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        assert server.stdout is not None
        self._buffer = LineBuffer()
        self._selector.register(server.stdout, selectors.EVENT_READ, self._read_server)
        return server

    @property
    def shared_folder(self) -> Path | None:
        return None

    def preload(self, modules: Sequence[str], *, warm_up: bool) -> None:
        given = () if self._imports_late else tuple(modules)
        self._preload(Preload(modules=given, warm_up=warm_up))

    def open_slots(self, wanted: Sequence[Slot]) -> None:
        self._send_to_server(Expect(len(wanted)))
        self._unsaid += [(f"slot {place}", SlotOpened(slot)) for place, slot in enumerate(wanted)]

    def need_slots(self, count: int) -> None:
        """Nothing: a slot that is free costs nothing here."""

    def _preload(self, message: Preload) -> None:
        self._preloads.append(message)
        self._unanswered += 1
        self._send_to_server(message)

    @property
    def is_ready(self) -> bool:
        """Whether all that is preloaded is imported."""
        return not self._unanswered

    def until_ready(self, tick: Callable[[], None]) -> None:
        while self._unanswered:
            tick()
            self.poll(_TICK_S)

    def start(self, attempt: str, task: str, folder: TrialFolder, slot: Slot) -> None:
        self._launch(attempt, task, folder, slot, self._fence(folder) if task == FIT else "", {})

    def start_rank(
        self,
        name: str,
        folder: TrialFolder,
        slot: Slot,
        *,
        variables: Mapping[str, str],
        fence: str | None = None,
    ) -> str:
        """Begin one of the ranks of an attempt; returns the fence of all of them.

        Args:
            variables: of its environment.
            fence: None for the first, to make one.
        """
        fence = self._fence(folder) if fence is None else fence
        self._launch(name, FIT, folder, slot, fence, dict(variables))
        return fence

    def _launch(
        self,
        attempt: str,
        task: str,
        folder: TrialFolder,
        slot: Slot,
        fence: str,
        variables: dict[str, str],
    ) -> None:
        self._early_messages[attempt] = []
        self._pids[attempt] = 0
        self._memory_kills[attempt] = kernel_memory_kills()
        self._launches.append(
            Launch(
                attempt=attempt,
                task=task,
                folder=str(folder.root.absolute()),
                address=self._channel.address,
                token=self._channel.admit(attempt),
                threads=slot.threads,
                gpus=slot.gpus,
                memory_share=slot.memory_share,
                gpu_share=slot.gpu_share,
                fence=fence,
                variables=variables,
            )
        )
        self._launch_waiting()

    def _fence(self, folder: TrialFolder) -> str:
        """Make a trial that of an attempt which begins: one on a machine that was asleep, or cut
        off, may still believe that it is its own."""
        fence = secrets.token_hex(8)
        try:
            # one that reads it half written is not its own either
            with open_privately(folder.attempt, "w") as file:
                file.write(fence)
        except OSError:
            # a full disk, or a folder that was moved: the attempt meets the same
            return ""
        return fence

    def _launch_waiting(self) -> None:
        while self._launches and not self._unanswered:
            self._send_to_server(self._launches.pop(0))

    def poll(self, timeout_s: float) -> list[tuple[str, Message]]:
        messages, self._unsaid = self._unsaid, []
        for key, _ in self._selector.select(0 if messages else timeout_s):
            for attempt, message in key.data():
                messages += self._in_order(attempt, message)
        return messages

    def _in_order(self, attempt: str, message: Message) -> list[tuple[str, Message]]:
        """The messages that may be returned now that this one came."""
        if isinstance(message, Launched):
            return [(attempt, message), *self._early_messages.pop(attempt, [])]
        if attempt in self._early_messages:
            self._early_messages[attempt].append((attempt, message))
            return []
        return [(attempt, message)]

    def send(self, attempt: str, message: Message) -> None:
        self._channel.send(attempt, message)

    def kill(self, attempt: str, *, dump: bool = False) -> None:
        launches = [launch for launch in self._launches if launch.attempt != attempt]
        if len(launches) == len(self._launches):
            self._send_to_server(Kill(attempt, dump))
            return
        # the server does not know it yet, and would start it once it is ready
        self._launches = launches
        self._unsaid += self._exit(Exited(attempt, -signal.SIGKILL))

    def close(self) -> None:
        self._wakeup.close()
        if self._unanswered == len(self._preloads):
            # it is at its first imports, and would hear of the end after them; the process above
            # it ends what they have started
            end_child_of(self._server.pid)
        # end of input is the server's order to kill its attempts and leave
        with contextlib.suppress(OSError):
            assert self._server.stdin is not None
            self._server.stdin.close()
        try:
            self._server.wait(_CLOSE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        assert self._server.stdout is not None
        self._server.stdout.close()
        self._channel.close()
        if self._owns_selector:
            self._selector.close()

    def _send_to_server(self, message: Message) -> None:
        assert self._server.stdin is not None
        # a server that is gone shows as end of its output, with the reason in its log
        with contextlib.suppress(BrokenPipeError):
            self._server.stdin.write(encode(message))
            self._server.stdin.flush()

    def _read_server(self) -> list[tuple[str, Message]]:
        assert self._server.stdout is not None
        data = os.read(self._server.stdout.fileno(), 65536)
        if not data:
            return self._replace_server()
        messages: list[tuple[str, Message]] = []
        for line in self._buffer.lines(data):
            message = decode(line)
            match message:
                case Ready(culprit=str(culprit)) if not self._imports_late:
                    self._unanswered -= 1
                    self._import_late(culprit)
                    break
                case Ready():
                    self._unanswered -= 1
                    self._launch_waiting()
                case Launched():
                    self._pids[message.attempt] = message.pid
                    messages.append((message.attempt, message))
                case Exited():
                    self._deaths = 0
                    messages += self._exit(message)
        return messages

    def _import_late(self, culprit: str) -> None:
        """Start a server that imports nothing of the user's: each attempt does that by itself."""
        self._note(
            f"{culprit} brings CUDA up when it is imported, so every trial imports the project "
            "anew, which takes seconds"
        )
        self._imports_late = True
        warm_up = self._preloads[-1].warm_up
        self._preloads = [Preload(sys_path=self._preloads[0].sys_path, warm_up=warm_up)]
        self._end_server()
        self._restart_server()

    def _exit(self, message: Exited) -> list[tuple[str, Message]]:
        """Forget an attempt; returns all that it still said, its exit last."""
        attempt = message.attempt
        del self._pids[attempt]
        ran_out = kernel_memory_kills() > self._memory_kills.pop(attempt)
        exited = Exited(attempt, message.status, memory_ran_out=ran_out)
        early = self._early_messages.pop(attempt, [])
        return [*early, *self._channel.drop(attempt), (attempt, exited)]

    def _replace_server(self) -> list[tuple[str, Message]]:
        """Start a new server for one that died, as the kernel kills it when memory runs out.

        Its attempts die with it; each is reported as killed once it is gone.

        Raises:
            UserError: servers die one after another, without an attempt that ended in between.
        """
        status = self._server.wait()
        self._deaths += 1
        if self._deaths >= MAX_SERVER_DEATHS:
            raise UserError(
                f"the process that loads torch ended {MAX_SERVER_DEATHS} times, {_end_of(status)}. "
                f"Its output: {self._server_log}. Remove the cause, such as a limit of this shell "
                "(`ulimit -a` shows them), then run the same command again."
            )
        self._end_server()
        messages: list[tuple[str, Message]] = []
        for attempt, pid in list(self._pids.items()):
            if pid:
                end_attempt(pid, boot_id())
            messages += self._exit(Exited(attempt, -signal.SIGKILL))
        self._launches.clear()
        self._restart_server()
        return messages

    def _end_server(self) -> None:
        for stream in (self._server.stdin, self._server.stdout):
            assert stream is not None
            if stream is self._server.stdout:
                self._selector.unregister(stream)
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        self._server.wait()

    def _restart_server(self) -> None:
        self._server = self._start_server()
        self._unanswered = len(self._preloads)
        for preload in self._preloads:
            self._send_to_server(preload)


def _end_of(status: int) -> str:
    return f"with status {status}" if status >= 0 else f"by {signal.Signals(-status).name}"
