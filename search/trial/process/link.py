"""The attempt's end of the channel: reports go up, verdicts and the order to stop come down."""

from __future__ import annotations

import os
import queue
import signal
import socket
import threading
from typing import Protocol

from search.messages import Ended, Hello, Message, Reported, Started, Stop, Verdict
from search.wire import decode, encode


class Link(Protocol):
    """The way of an attempt's messages."""

    def send(self, message: Message) -> None:
        """Send, without an answer."""
        ...

    def ask(self, report: Reported) -> Verdict:
        """Send a report and wait for its verdict."""
        ...

    @property
    def stop_requested(self) -> bool:
        """True once the coordinator wants the attempt to end."""
        ...


class ChannelLink:
    """The channel to the coordinator.

    A thread reads it, so that an order to stop is noticed in the middle of an epoch, and so that
    the attempt's whole process group dies as soon as its coordinator is gone.
    """

    def __init__(self, address: str, token: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(address)
        self._verdicts: queue.SimpleQueue[Verdict] = queue.SimpleQueue()
        self._stop = threading.Event()
        self.send(Hello(token))
        threading.Thread(target=self._read, daemon=True, name="channel").start()

    def send(self, message: Message) -> None:
        self._socket.sendall(encode(message))

    def ask(self, report: Reported) -> Verdict:
        self.send(report)
        return self._verdicts.get()

    @property
    def stop_requested(self) -> bool:
        return self._stop.is_set()

    def _read(self) -> None:
        with self._socket.makefile("rb") as lines:
            for line in lines:
                message = decode(line)
                if isinstance(message, Verdict):
                    self._verdicts.put(message)
                elif isinstance(message, Stop):
                    self._stop.set()
        os.killpg(0, signal.SIGKILL)


class ConsoleLink:
    """The link of an attempt that somebody started by hand: prints, never prunes."""

    stop_requested = False

    def send(self, message: Message) -> None:
        if isinstance(message, Started | Ended):
            print(message)

    def ask(self, report: Reported) -> Verdict:
        print(f"step {report.step}  epoch {report.epoch}  value {report.value:.6g}")
        return Verdict(report.step, prune=False)


class SilentLink:
    """The link of the other ranks of a distributed trial: says nothing."""

    stop_requested = False

    def send(self, message: Message) -> None:
        """Rank 0 speaks for all."""

    def ask(self, report: Reported) -> Verdict:
        return Verdict(report.step, prune=False)
