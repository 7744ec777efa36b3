"""The way from the first agent of several machines to another one, through the calls of its actor.

It is a socket on the first machine, as an agent's own would be there. It serves one connection,
and the actor ends with it: what an agent has begun elsewhere must not outlive it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from typing import Any

import ray

from search.executors.remote.agent_files import announce
from search.executors.socket_folder import SocketFolder

_PIECE_BYTES = 65536


class Relay:
    """Serves in threads of its own.

    Args:
        actor: that owns the other agent.
        folder: of the agents' files.
        name: by which the socket is found there.
    """

    def __init__(self, actor: Any, folder: Path, name: str) -> None:
        self._actor = actor
        self._sockets = SocketFolder()
        self._listener = self._sockets.listen()
        announce(folder, name, self._sockets.path)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        self._listener.close()
        self._sockets.remove()
        # whatever Ray raises, the connection is over
        with contextlib.suppress(Exception), connection:
            number = ray.get(self._actor.open.remote())
            if number is not None:
                threading.Thread(target=self._send, args=[connection, number], daemon=True).start()
                while (data := ray.get(self._actor.read.remote(number))) != b"":
                    connection.sendall(data or b"")
        self._end()

    def _send(self, connection: socket.socket, number: int) -> None:
        with contextlib.suppress(Exception):
            while data := connection.recv(_PIECE_BYTES):
                if not ray.get(self._actor.write.remote(number, data)):
                    break
        self._end()

    def _end(self) -> None:
        with contextlib.suppress(Exception):
            ray.kill(self._actor)
