"""The coordinator's end of the channel: authenticated connections, JSON lines, no threads.

Knows tokens and messages; does not know what an attempt is for.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
import select
import selectors
import socket

from search.executors.socket_folder import SocketFolder
from search.messages import Hello, Message
from search.wire import LineBuffer, decode, encode

_SEND_TIMEOUT_S = 5.0


class _Connection:
    """One socket; `attempt` is None until it has shown a token."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.attempt: str | None = None
        self._buffer = LineBuffer()

    def lines(self) -> list[bytes] | None:
        """The complete lines that arrived; None when the other side is gone, or sends a line that
        does not end."""
        try:
            data = self.sock.recv(65536)
            return self._buffer.lines(data) if data else None
        except (OSError, ValueError):
            return None


class Channel:
    """A local listening socket in a private folder; each attempt is admitted by its own token."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self._selector = selector
        self._folder = SocketFolder()
        self.address = str(self._folder.path)
        self._listener = self._folder.listen(64)
        self._tokens: dict[str, str] = {}
        self._open: set[_Connection] = set()
        self._connections: dict[str, _Connection] = {}
        selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def admit(self, attempt: str) -> str:
        """A fresh token under which `attempt` may connect once."""
        token = secrets.token_urlsafe(32)
        self._tokens[token] = attempt
        return token

    def send(self, attempt: str, message: Message) -> None:
        """Send to an attempt; nothing happens where it is gone, whose exit the server reports."""
        connection = self._connections.get(attempt)
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.sock.sendall(encode(message))

    def drop(self, attempt: str) -> list[tuple[str, Message]]:
        """Forget an attempt whose process ended; returns the messages that it sent before, and what
        others have said that were not heard yet."""
        said: list[tuple[str, Message]] = []
        if attempt in self._tokens.values():
            # it may have come, said all of it and ended since somebody last looked here
            said += self._hear_newcomers()
        self._tokens = {token: name for token, name in self._tokens.items() if name != attempt}
        connection = self._connections.get(attempt)
        while connection is not None and attempt in self._connections:
            said += self._read(connection)
        return said

    def _hear_newcomers(self) -> list[tuple[str, Message]]:
        """Take the connections that wait, and what is there of those that have shown no token."""
        while self._accept_one():
            pass
        messages: list[tuple[str, Message]] = []
        for connection in [each for each in self._open if each.attempt is None]:
            messages += self._hear(connection)
        return messages

    def close(self) -> None:
        """Close every socket and remove the private folder."""
        for connection in list(self._open):
            self._forget(connection)
        self._selector.unregister(self._listener)
        self._listener.close()
        self._folder.remove()

    def _accept(self) -> list[tuple[str, Message]]:
        self._accept_one()
        return []

    def _accept_one(self) -> bool:
        """Take a connection that waits; returns whether there was one."""
        if not _is_readable(self._listener):
            return False
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return False
        sock.settimeout(_SEND_TIMEOUT_S)
        connection = _Connection(sock)
        self._open.add(connection)
        self._selector.register(sock, selectors.EVENT_READ, lambda: self._hear(connection))
        return True

    def _hear(self, connection: _Connection) -> list[tuple[str, Message]]:
        """What is there of a connection; nothing where `drop` has read it since it was noticed."""
        return self._read(connection) if _is_readable(connection.sock) else []

    def _read(self, connection: _Connection) -> list[tuple[str, Message]]:
        lines = connection.lines()
        if lines is None:
            self._forget(connection)
            return []
        messages: list[tuple[str, Message]] = []
        for line in lines:
            try:
                message = decode(line)
            except ValueError:
                self._forget(connection)
                return messages
            if connection.attempt is None:
                if not self._authenticate(connection, message):
                    return messages
            else:
                messages.append((connection.attempt, message))
        return messages

    def _authenticate(self, connection: _Connection, message: Message) -> bool:
        given = (message.token if isinstance(message, Hello) else "").encode(errors="replace")
        for token, attempt in self._tokens.items():
            if hmac.compare_digest(token.encode(), given):
                del self._tokens[token]
                connection.attempt = attempt
                self._connections[attempt] = connection
                return True
        self._forget(connection)
        return False

    def _forget(self, connection: _Connection) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(connection.sock)
        connection.sock.close()
        self._open.discard(connection)
        if connection.attempt is not None:
            self._connections.pop(connection.attempt, None)


def _is_readable(sock: socket.socket) -> bool:
    """Whether reading from it, or accepting, would not wait; a closed one is not."""
    if sock.fileno() < 0:
        return False
    poller = select.poll()
    poller.register(sock, select.POLLIN)
    return bool(poller.poll(0))
