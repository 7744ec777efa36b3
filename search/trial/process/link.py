"""How an attempt speaks: up go reports, down come verdicts and the order to stop."""

from __future__ import annotations

import os
import queue
import signal
import socket
import threading
from typing import Protocol

from search.messages import Ended, Hello, Message, Reported, Started, Stop, Verdict, decode, encode


class Link(Protocol):
    """Where an attempt's messages go. `ask` sends a report and waits for its verdict."""

    def send(self, message: Message) -> None: ...

    def ask(self, report: Reported) -> Verdict: ...

    @property
    def stop_requested(self) -> bool: ...


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
    """For an attempt that was started by hand: prints, never prunes."""

    stop_requested = False

    def send(self, message: Message) -> None:
        if isinstance(message, Started | Ended):
            print(message)

    def ask(self, report: Reported) -> Verdict:
        print(f"step {report.step}  epoch {report.epoch}  value {report.value:.6g}")
        return Verdict(report.step, prune=False)


class SilentLink:
    """For the ranks of a distributed trial other than the first."""

    stop_requested = False

    def send(self, message: Message) -> None:
        """Rank 0 speaks for all."""

    def ask(self, report: Reported) -> Verdict:
        return Verdict(report.step, prune=False)
