"""Lines over a pair of file descriptors, read and written without ever waiting."""

from __future__ import annotations

import os

from search.wire import LineBuffer

_PIECE_BYTES = 65536


class LinePipe:
    """What cannot be written at once is kept, and written by a later `flush`.

    Args:
        reading: descriptor to read from; a socket may be both.
        writing: descriptor to write to.
    """

    def __init__(self, reading: int, writing: int) -> None:
        self.reading = reading
        self._writing = writing
        self._lines = LineBuffer()
        self._unwritten = bytearray()
        self.is_broken = False
        for descriptor in (reading, writing):
            os.set_blocking(descriptor, False)

    @property
    def is_flushed(self) -> bool:
        """Whether all was written that can be."""
        return self.is_broken or not self._unwritten

    def send(self, line: bytes) -> None:
        """Write a line, or keep it for later; of a broken pipe nothing."""
        self._unwritten += line
        self.flush()

    def flush(self) -> None:
        """Write what was kept, as far as that goes now."""
        while not self.is_flushed:
            try:
                written = os.write(self._writing, self._unwritten[:_PIECE_BYTES])
            except BlockingIOError:
                return
            except OSError:
                self.is_broken = True
                return
            del self._unwritten[:written]

    def read(self) -> list[bytes]:
        """The whole lines that have arrived; once the other side is gone, the pipe is broken."""
        lines: list[bytes] = []
        while not self.is_broken:
            try:
                data = os.read(self.reading, _PIECE_BYTES)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self.is_broken = True
                break
            try:
                lines += self._lines.lines(data)
            except ValueError:
                self.is_broken = True
        return lines
