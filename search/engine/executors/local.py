"""Local processes, forked from a server that has torch and the user's modules imported."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from search.engine.channel import Channel
from search.engine.executors.protocol import Slot
from search.errors import SearchError
from search.messages import Exited, Kill, Launch, Launched, Message, Preload, decode, encode
from search.study.layout import TrialFolder

_CLOSE_TIMEOUT_S = 5.0


class LocalExecutor:
    """Owns one fork server and one channel.

    Args:
        class_paths: dotted names to import before the first fork.
        sys_path: folders that come first on the attempts' import path.
        threads: CPU threads of one attempt; native pools are sized by it when they load.
        server_log: where the server's own output goes.
    """

    def __init__(
        self, class_paths: Sequence[str], sys_path: Sequence[str], *, threads: int, server_log: Path
    ) -> None:
        self._selector = selectors.DefaultSelector()
        self._channel = Channel(self._selector)
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_write.setblocking(False)
        self._previous_wakeup = signal.set_wakeup_fd(
            self._wake_write.fileno(), warn_on_full_buffer=False
        )
        self._selector.register(self._wake_read, selectors.EVENT_READ, self._drain_wakeups)
        self._server_log = server_log
        self._server = self._start_server(threads)
        self._buffer = b""
        # what an attempt said before its launch was reported, so that messages keep their order
        self._held: dict[str, list[tuple[str, Message]]] = {}
        self._selector.register(self._server_output, selectors.EVENT_READ, self._read_server)
        self._tell(Preload(class_paths=tuple(class_paths), sys_path=tuple(sys_path)))

    def _start_server(self, threads: int) -> subprocess.Popen[bytes]:
        # a folder called search where the user stands must not shadow this package
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONSAFEPATH": "1"}
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            environment.setdefault(name, str(threads))
        with self._server_log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "search.trial", "--serve"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
                start_new_session=True,
            )

    @property
    def _server_output(self) -> int:
        assert self._server.stdout is not None
        return self._server.stdout.fileno()

    def preload(self, modules: Sequence[str], *, rehearse: bool) -> None:
        self._tell(Preload(modules=tuple(modules), rehearse=rehearse))

    def start(self, attempt: str, task: str, folder: TrialFolder, slot: Slot) -> None:
        self._held[attempt] = []
        self._tell(
            Launch(
                attempt=attempt,
                task=task,
                folder=str(folder.root.absolute()),
                address=self._channel.address,
                token=self._channel.admit(attempt),
                threads=slot.threads,
                gpus=slot.gpus,
                memory_share=slot.memory_share,
            )
        )

    def poll(self, timeout_s: float) -> list[tuple[str, Message]]:
        messages: list[tuple[str, Message]] = []
        for key, _ in self._selector.select(timeout_s):
            for attempt, message in key.data():
                messages += self._in_order(attempt, message)
        return messages

    def _in_order(self, attempt: str, message: Message) -> list[tuple[str, Message]]:
        if isinstance(message, Launched):
            return [(attempt, message), *self._held.pop(attempt, [])]
        if attempt in self._held:
            self._held[attempt].append((attempt, message))
            return []
        return [(attempt, message)]

    def send(self, attempt: str, message: Message) -> None:
        self._channel.send(attempt, message)

    def kill(self, attempt: str, *, dump: bool = False) -> None:
        self._tell(Kill(attempt, dump))

    def close(self) -> None:
        signal.set_wakeup_fd(self._previous_wakeup)
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
        self._selector.close()
        self._wake_read.close()
        self._wake_write.close()

    def _tell(self, message: Message) -> None:
        assert self._server.stdin is not None
        # a server that is gone shows as end of its output, with the reason in its log
        with contextlib.suppress(BrokenPipeError):
            self._server.stdin.write(encode(message))
            self._server.stdin.flush()

    def _drain_wakeups(self) -> list[tuple[str, Message]]:
        self._wake_read.recv(4096)
        return []

    def _read_server(self) -> list[tuple[str, Message]]:
        data = os.read(self._server_output, 65536)
        if not data:
            raise SearchError(
                f"the fork server ended with status {self._server.wait()}. "
                f"Its output: {self._server_log}"
            )
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        messages: list[tuple[str, Message]] = []
        for line in lines:
            message = decode(line)
            if isinstance(message, Launched | Exited):
                if isinstance(message, Exited):
                    messages += self._channel.drop(message.attempt)
                messages.append((message.attempt, message))
        return messages
