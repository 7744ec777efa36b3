"""The way from a bridge to an agent: its own input and output are those of the agent's socket.

`python -m search.executors.remote.attach FOLDER NAME`, run by the engine on the agent's machine.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import sys
import time
from pathlib import Path

from search.executors.remote.agent_files import announced

# exit status where an agent was there and is not any more
AGENT_IS_GONE = 75
_PATIENCE_S = 60.0
_PIECE_BYTES = 65536


def attach_command(folder: Path, name: str) -> list[str]:
    """The command that leads to an agent, on its machine.

    Args:
        folder: of the agents' files.
    """
    return [sys.executable, "-m", "search.executors.remote.attach", str(folder), name]


def main(arguments: list[str]) -> int:
    """Copy until either side ends; returns the exit status."""
    folder, name = Path(arguments[0]), arguments[1]
    # the agent decides when the end of its job has come, and has something to say then
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    address = _address(folder, name)
    if address is None:
        print(f"agent {name}: did not start within {_PATIENCE_S:.0f} s", file=sys.stderr)
        return 1
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(address)
        except (ConnectionRefusedError, FileNotFoundError):
            return AGENT_IS_GONE
        # either side may be killed
        with contextlib.suppress(OSError):
            _copy(connection)
    return 0


def _address(folder: Path, name: str) -> str | None:
    """Where the agent listens, as soon as it says so."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        if (address := announced(folder, name)) is not None:
            return address
        time.sleep(0.05)
    return None


def _copy(connection: socket.socket) -> None:
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(connection, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is connection:
                data = connection.recv(_PIECE_BYTES)
                _write_all(data)
            else:
                data = os.read(0, _PIECE_BYTES)
                connection.sendall(data)
            if not data:
                return


def _write_all(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
