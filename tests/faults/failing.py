"""A plan by which the n-th call that changes a file fails, or its process dies in it.

`failing_calls.c` stands between a command and libc, so that Python's writes, SQLite's and torch's
are all met, and the errors that they see are the kernel's own.
"""

from __future__ import annotations

import errno
import json
import mmap
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).with_name("failing_calls.c")
COUNT, KILL, TEAR, FAIL = range(4)
COORDINATOR, ATTEMPT = range(2)
_TRIALS = 2047
_HEAD = struct.Struct("4q")

# what can happen in a call: it never returns, it is done by half, it fails
ACTIONS: dict[str, tuple[int, int]] = {
    "killed": (KILL, 0),
    "torn": (TEAR, 0),
    "ENOSPC": (FAIL, errno.ENOSPC),
    "EIO": (FAIL, errno.EIO),
}


def built(folder: Path) -> Path:
    """The compiled library."""
    library = folder / "failing_calls.so"
    command = ["cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"]
    subprocess.run(command, check=True)
    return library


@dataclass
class Plan:
    """What is to happen in the files of a project, shared with the processes that it meets."""

    root: Path
    library: Path

    @property
    def _file(self) -> Path:
        return self.root / "plan"

    @property
    def _log(self) -> Path:
        return self.root / "calls.log"

    def arm(self, action: str | None, *, role: int, at: int) -> None:
        """Let `action` happen in a call of `role`, counted from now; None only counts.

        Args:
            at: which call, from 1; 0 for call n + 1 of the attempts at trial n, once each.
        """
        kind, error = ACTIONS[action] if action else (COUNT, 0)
        content = _HEAD.pack(kind, error, role, at) + bytes(8 * (1 + _TRIALS))
        if not self._file.exists():
            self._file.write_bytes(content)
        with self._file.open("r+b") as file, mmap.mmap(file.fileno(), 0) as shared:
            shared[:] = content
        self._log.write_bytes(b"")  # processes that have it open go on appending

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let every command that is started from now on follow the plan."""
        self.arm(None, role=COORDINATOR, at=0)
        monkeypatch.setenv("LD_PRELOAD", str(self.library))
        monkeypatch.setenv("FAULTS_PLAN", str(self._file))
        monkeypatch.setenv("FAULTS_BELOW", str(self.root / "studies"))
        monkeypatch.setenv("FAULTS_LOG", str(self._log))

    @property
    def calls(self) -> list[str]:
        """The calls since the plan was armed, as `write study/study.db`."""
        return [line.removeprefix("! ") for line in self._lines()]

    @property
    def met(self) -> list[str]:
        """The calls in which something happened."""
        return [line.removeprefix("! ") for line in self._lines() if line.startswith("! ")]

    def _lines(self) -> list[str]:
        return self._log.read_text().splitlines()


@dataclass(frozen=True)
class Ended:
    """How a command ended: its status, negative for a signal, and what it printed."""

    status: int
    output: str


class WarmCommand:
    """`search run study.yaml`, forked from a process that has everything imported, with attempts
    that say what a training would. A tenth of a second where the real command takes five."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("without_training.py")],
            cwd=root,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> Ended:
        """One run to its end."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return Ended(**answer)

    def close(self) -> None:
        self._process.communicate()
