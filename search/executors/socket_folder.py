"""The private folder of a channel's socket."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

from search.executors.locked_folder import LockedFolder, name_prefix

# of a socket's path, with the byte that ends it: 108 on Linux, 104 on macOS
_MAX_PATH_BYTES = 104
_SOCKET = "socket"


class SocketFolder:
    """A folder closed to others that goes with its process.

    Its path is short enough for a socket; that of a study, or of a cluster job's temporary folder,
    may not be.
    """

    def __init__(self) -> None:
        parent = Path(tempfile.gettempdir())
        longest = parent / f"{name_prefix()}12345678" / _SOCKET
        if len(os.fsencode(longest)) >= _MAX_PATH_BYTES:
            parent = Path("/tmp")
        self._folder = LockedFolder(parent)

    @property
    def path(self) -> Path:
        """The path for the socket."""
        return self._folder.path / _SOCKET

    def listen(self, backlog: int = 1) -> socket.socket:
        """A socket at that path that takes connections."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.path))
        listener.listen(backlog)
        return listener

    def remove(self) -> None:
        """Remove the folder with the socket in it."""
        self._folder.remove()
