"""The sign of life of a study's owner on a disk of several machines, whose locks may be seen by the
one alone that took them.

The owner writes into the file of its lock who and where it is, and a number that grows. Who finds
another machine there looks whether it still grows, as no clock of two machines is the same.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from pathlib import Path

from search.errors import StorageError

_BEAT_S = 10.0
# two beats, and what a network disk may take to show them
_WATCH_S = 25.0
_LOOK_S = 1.0


class LockBeat:
    """Writes into the file of a lock for as long as its process lives; a thread does, because the
    process may wait for its database for minutes.

    Args:
        path: the file, which is there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._boot_id = _boot_id()
        self._beats = 0
        self._is_over = threading.Event()
        self.write()
        self._thread = threading.Thread(target=self._go_on, name="lock", daemon=True)
        self._thread.start()

    def write(self) -> None:
        """Write who has the lock; a file that was removed is others' to put back."""
        text = f"{os.getpid()}\n{socket.gethostname()}\n{self._boot_id}\n{self._beats:08d}\n"
        with contextlib.suppress(OSError):
            file = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.pwrite(file, text.encode(), 0)
                # what is not synced other machines may not see
                os.fsync(file)
            finally:
                os.close(file)

    def end(self) -> None:
        """Write no more; an empty file says that nobody has the lock."""
        self._is_over.set()
        self._thread.join(_LOOK_S)
        with contextlib.suppress(OSError):
            os.truncate(self._path, 0)

    def _go_on(self) -> None:
        while not self._is_over.wait(_BEAT_S):
            self._beats += 1
            self.write()


def refuse_other_machine(path: Path) -> None:
    """Make sure that no other machine has the lock of a file; takes a while where one had it and
    did not say that it gave it back.

    Raises:
        StorageError: one has.
    """
    found = _content(path)
    words = found.split()
    if len(words) < 4 or words[2] == _boot_id():
        return
    deadline = time.monotonic() + _WATCH_S
    while time.monotonic() < deadline:
        time.sleep(_LOOK_S)
        now = _content(path)
        if not now:
            return
        if now != found:
            raise StorageError(
                f"{path.parent}: is being run by process {words[0]} on {words[1]}. "
                "Wait for it, stop it there with Ctrl-C, or run another study."
            )


def _boot_id() -> str:
    # commands that only look at locks load nothing that knows processes
    from search.executors.processes import boot_id

    return boot_id()


def _content(path: Path) -> str:
    try:
        return path.read_bytes()[:1024].decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
