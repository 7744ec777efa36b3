"""The coordinator's end of a real channel, for tests that speak to it over sockets."""

from __future__ import annotations

import selectors
import socket

from search.executors.channel import Channel
from search.messages import Message


class Coordinator:
    """A channel with its selector, as the executor drives them."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self.channel = Channel(self.selector)

    def heard(self) -> list[tuple[str, Message]]:
        """What arrives until nothing more does."""
        messages: list[tuple[str, Message]] = []
        while ready := self.selector.select(0.1):
            for key, _ in ready:
                messages += key.data()
        return messages

    def connect(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.connect(self.channel.address)
        sock.settimeout(5)
        return sock


def is_closed(sock: socket.socket) -> bool:
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True
