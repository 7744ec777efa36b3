"""The attempt's end of the channel: reports go up, verdicts and the order to stop come down."""

from __future__ import annotations

import contextlib
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
        """Send a report and wait for its verdict, unless it is known beforehand."""
        ...

    def settle(self) -> None:
        """Wait until the coordinator has written every report."""
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
        # reports without an answer yet
        self._open = 0
        self._is_judged = True
        self.send(Hello(token))
        threading.Thread(target=self._read, daemon=True, name="channel").start()

    def send(self, message: Message) -> None:
        self._socket.sendall(encode(message))

    def ask(self, report: Reported) -> Verdict:
        self.send(report)
        self._open += 1
        if not self._is_judged:
            return Verdict(report.step, prune=False)
        return self._answer()

    def settle(self) -> None:
        while self._open:
            self._answer()

    @property
    def stop_requested(self) -> bool:
        return self._stop.is_set()

    def _answer(self) -> Verdict:
        verdict = self._verdicts.get()
        self._open -= 1
        self._is_judged = verdict.is_judged
        return verdict

    def _read(self) -> None:
        # one that dies with a report unread resets the connection
        with contextlib.suppress(ConnectionError), self._socket.makefile("rb") as lines:
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

    def settle(self) -> None:
        """Nobody writes them."""


class SilentLink:
    """The link of the other ranks of a distributed trial: says nothing."""

    stop_requested = False

    def send(self, message: Message) -> None:
        """Rank 0 speaks for all."""

    def ask(self, report: Reported) -> Verdict:
        return Verdict(report.step, prune=False)

    def settle(self) -> None:
        """Rank 0 has sent them."""
