"""Launches that wait until the fork server is ready, before a server that a test answers for."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from search.errors import UserError
from search.executors import local
from search.executors.local import LocalExecutor
from search.layout import TrialFolder
from search.messages import Exited, Kill, Launch, Launched, Message, Preload, Ready, Slot
from search.wire import decode, encode


class PretendedServer:
    """The pipes of a fork server, which says and hears what the test wants."""

    def __init__(self, *_: Any, **__: Any) -> None:
        reading, writing = os.pipe()
        self._heard, self.stdin = os.fdopen(reading, "rb"), os.fdopen(writing, "wb")
        reading, writing = os.pipe()
        self.stdout, self._said = os.fdopen(reading, "rb", buffering=0), os.fdopen(writing, "wb")

    def say(self, message: Message) -> None:
        self._said.write(encode(message))
        self._said.flush()

    def heard(self) -> list[Message]:
        """All messages until its input ends."""
        with self._heard, self._said:
            return [decode(line) for line in self._heard]

    def wait(self, timeout_s: float | None = None) -> int:
        return 0


def test_attempt_that_is_killed_before_its_launch_is_never_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = PretendedServer()
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: server)
    executor = LocalExecutor([], [], server_log=tmp_path / "server.log")
    try:
        for attempt in ("fit-0-1", "fit-1-2"):
            executor.start(attempt, "fit", TrialFolder(tmp_path / attempt), Slot(1))
        executor.kill("fit-0-1")
        said = [("fit-0-1", Exited("fit-0-1", -signal.SIGKILL))]
        assert executor.poll(60) == said
        server.say(Ready())
        assert executor.poll(60) == []
        executor.kill("fit-1-2")
        assert executor.poll(0) == []
    finally:
        executor.close()
    preload, launch, kill = server.heard()
    assert isinstance(preload, Preload)
    assert isinstance(launch, Launch) and launch.attempt == "fit-1-2"
    assert kill == Kill("fit-1-2")


@pytest.mark.parametrize(("kills", "ran_out"), [((3, 3), False), ((3, 4), True)])
def test_exit_says_whether_memory_ran_out_since_the_start(
    kills: tuple[int, int], ran_out: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, counted = PretendedServer(), iter(kills)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: server)
    monkeypatch.setattr(local, "kernel_memory_kills", lambda: next(counted))
    executor = LocalExecutor([], [], server_log=tmp_path / "server.log")
    try:
        executor.start("fit-0-1", "fit", TrialFolder(tmp_path), Slot(1))
        for message in (Ready(), Launched("fit-0-1", 7)):
            server.say(message)
        server.say(Exited("fit-0-1", -signal.SIGKILL))
        exited = Exited("fit-0-1", -signal.SIGKILL, memory_ran_out=ran_out)
        assert executor.poll(60) == [("fit-0-1", Launched("fit-0-1", 7)), ("fit-0-1", exited)]
    finally:
        executor.close()
        server.heard()


def test_servers_that_keep_dying_are_not_replaced_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = subprocess.Popen

    def dying(*_: Any, **__: Any) -> subprocess.Popen[bytes]:
        return start(["sh", "-c", "read line"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    monkeypatch.setattr(subprocess, "Popen", dying)
    executor = LocalExecutor([], [], server_log=tmp_path / "server.log")
    try:
        for _ in range(2):
            assert executor.poll(60) == []
        # whoever looks again after the error does not get another server
        for _ in range(2):
            with pytest.raises(UserError, match="ended 3 times, with status 0"):
                executor.poll(60)
    finally:
        executor.close()
