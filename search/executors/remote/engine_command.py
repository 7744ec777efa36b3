"""Commands of an engine, run beside everything else: none is waited for."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

TIMEOUT_S = 60.0
_PIECE_BYTES = 65536


@dataclass(frozen=True)
class CommandEnd:
    """The end of a command."""

    output: str
    """All that it printed."""
    problem: str | None = None
    """Why it failed, in one line; None where it did not."""


class EngineCommand:
    """A command that runs.

    Args:
        then: called once with its end, by `look`.

    Raises:
        OSError: there is no such command.
    """

    def __init__(self, arguments: Sequence[str], then: Callable[[CommandEnd], None]) -> None:
        self._name = arguments[0]
        self._then = then
        self._is_over = False
        self._deadline = time.monotonic() + TIMEOUT_S
        self._process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        assert self._process.stdout is not None and self._process.stderr is not None
        self._streams = (self._process.stdout, self._process.stderr)
        self._printed = (bytearray(), bytearray())
        for stream in self._streams:
            os.set_blocking(stream.fileno(), False)

    def look(self) -> bool:
        """Whether it has ended; tells that."""
        if self._is_over:
            # whoever was told has raised something
            return True
        status = self._process.poll()
        self._read()
        if status is None and time.monotonic() > self._deadline:
            self._process.kill()
            self._process.wait()
            self._end(f"{self._name} did not answer within {TIMEOUT_S:.0f} s")
            return True
        if status is None:
            return False
        self._end(None if status == 0 else self._complaint(status))
        return True

    def _end(self, problem: str | None) -> None:
        self._is_over = True
        for stream in self._streams:
            stream.close()
        self._then(CommandEnd(self._printed[0].decode(errors="replace"), problem))

    def _read(self) -> None:
        for stream, printed in zip(self._streams, self._printed, strict=True):
            while data := stream.read(_PIECE_BYTES):
                printed.extend(data)

    def _complaint(self, status: int) -> str:
        """What the command said last, in one line."""
        lines = self._printed[1].decode(errors="replace").splitlines()
        said = [line.strip() for line in lines if line.strip()]
        # SLURM's commands send who mistook an option to their help, below the mistake
        said = [line for line in said if not line.startswith("Try ")]
        return said[-1] if said else f"{self._name} ended with status {status}"
