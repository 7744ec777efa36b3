"""Files on their way over a connection that letters share: in pieces, a few ahead of the answers.

Both ends use it. What is sent stays as it was when the parcel was begun, because its files are
open; what is received waits in a folder of its own until all of it is there.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from search.file_messages import Parcel, ParcelFile, Piece
from search.plain.whole_files import PRIVATE, discard, keep_copy, make_folder

_PIECE_BYTES = 256 << 10
# a letter waits for no more than this to be written
_AHEAD_BYTES = 1 << 20
# so that the end of a large file does not wait for all of it to be on the disk
_SYNC_BYTES = 16 << 20


class Shortened(Exception):
    """A file became shorter while it was read."""


@dataclass(frozen=True)
class OpenFile:
    """A file that is to be sent."""

    file: ParcelFile
    content: IO[bytes]
    """Read from where it stands."""


class Sending:
    """A parcel that is being sent.

    Args:
        parcel: all but its bytes.
        opened: its files that have bytes, in their order; closed at the end.
    """

    def __init__(self, parcel: Parcel, opened: Sequence[OpenFile]) -> None:
        self.parcel = parcel
        self._opened = list(opened)
        self._left = [each.file.size for each in opened]
        self._sent = 0
        self._taken = 0

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(each.file.size for each in self._opened)

    def pieces(self) -> list[Piece]:
        """The pieces that may be sent now.

        Raises:
            Shortened: as the class says; the parcel is to be begun anew.
        """
        pieces: list[Piece] = []
        while self._sent - self._taken < _AHEAD_BYTES and (data := self._next()):
            self._sent += len(data)
            pieces.append(Piece(self.parcel.number, data))
        return pieces

    def _next(self) -> bytes:
        for place, each in enumerate(self._opened):
            if not self._left[place]:
                continue
            data = each.content.read(min(_PIECE_BYTES, self._left[place]))
            if not data:
                raise Shortened
            self._left[place] -= len(data)
            return data
        return b""

    def note_taken(self, size: int) -> None:
        """Take note of what has arrived."""
        self._taken = size

    def close(self) -> None:
        """Close its files."""
        for each in self._opened:
            each.content.close()


class Receiving:
    """A parcel that arrives.

    Args:
        staging: folder that is made for its files, under their paths.
        roots: paths that its files may be below.
        syncs: whether its files are to outlive a power cut.

    Raises:
        ValueError: a path leads elsewhere.
        OSError: the folder cannot be made.
    """

    def __init__(self, parcel: Parcel, staging: Path, roots: Sequence[str], *, syncs: bool) -> None:
        for path in (*(each.path for each in parcel.files), *parcel.folders, *parcel.gone):
            _refuse_elsewhere(path, roots)
        self.parcel = parcel
        self.staging = staging
        self._left = [(each, each.size) for each in parcel.files if not each.same_as]
        self._syncs = syncs
        self._file: IO[bytes] | None = None
        self._unsynced = 0
        self.size = 0
        discard(staging)
        make_folder(staging)
        self._go_on()

    @property
    def is_whole(self) -> bool:
        """Whether all has arrived."""
        return not self._left

    def take(self, data: bytes) -> None:
        """Write the next bytes.

        Raises:
            OSError: they cannot be written.
        """
        self.size += len(data)
        while data and self._left:
            file, left = self._left[0]
            assert self._file is not None
            part, data = data[:left], data[left:]
            self._file.write(part)
            self._sync_often(len(part))
            self._left[0] = (file, left - len(part))
            self._go_on()

    def staged(self, path: str) -> Path:
        """The place of a file that has arrived."""
        return self.staging / path

    def link_second_names(self) -> None:
        """Give files that are the same their second names, once all has arrived."""
        for each in self.parcel.files:
            if each.same_as:
                make_folder(self.staged(each.path).parent)
                keep_copy(self.staged(each.same_as), self.staged(each.path))

    def discard(self) -> None:
        """Remove what has arrived."""
        if self._file is not None:
            self._file.close()
        with contextlib.suppress(OSError):
            discard(self.staging)

    def _go_on(self) -> None:
        """Open the next file that is to have bytes; those that have all are on the disk."""
        while self._left:
            file, left = self._left[0]
            if self._file is None:
                path = self.staged(file.path)
                make_folder(path.parent)
                self._file = _made(path)
            if left:
                return
            self._sync(self._file)
            self._file.close()
            self._file = None
            self._left.pop(0)

    def _sync_often(self, size: int) -> None:
        assert self._file is not None
        self._unsynced += size
        if self._unsynced >= _SYNC_BYTES:
            self._unsynced = 0
            self._sync(self._file)

    def _sync(self, file: IO[bytes]) -> None:
        file.flush()
        if self._syncs:
            os.fsync(file.fileno())


def _made(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb")


def _refuse_elsewhere(path: str, roots: Sequence[str]) -> None:
    parts = PurePosixPath(path).parts
    is_below = any(PurePosixPath(path).is_relative_to(root) for root in roots)
    if ".." in parts or not is_below:
        raise ValueError(f"a parcel with {path!r} in it")
