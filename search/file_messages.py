"""The messages by which files travel between the disk of a study and a machine that does not see
it. They are in no letter: what a broken connection has taken is asked for, or offered, again.
"""

from __future__ import annotations

from dataclasses import dataclass

from search.messages import Message


@dataclass(frozen=True)
class ParcelFile:
    """A file in a parcel."""

    path: str
    """Path below the folder of the study."""
    size: int
    """Bytes of it that the parcel holds."""
    at: int | None = None
    """Place in the file of a trial of those bytes, which are its end; None for a whole file."""
    same_as: str = ""
    """Path of a file of the parcel that it is a second name of; it has no bytes of its own then."""


class SeesOtherDisk(Message, frozen=True):
    """Agent to coordinator, in a letter: it does not see the disk of the study."""


class FetchFiles(Message, frozen=True):
    """Agent to bridge: send what an attempt needs to begin."""

    attempt: str


class OfferFiles(Message, frozen=True):
    """Agent to bridge: there are files of an attempt to send; which ones is told when they are
    taken, so that none is old by then."""

    attempt: str
    is_last: bool
    """True where the attempt has ended, which nobody knows before its files are there."""


class TakeFiles(Message, frozen=True):
    """Bridge to agent: send them now."""

    attempt: str


class Parcel(Message, frozen=True):
    """The beginning of files, whose bytes follow in pieces, one file after another."""

    attempt: str
    number: int
    """Name of the parcel among those of its sender."""
    files: tuple[ParcelFile, ...]
    folders: tuple[str, ...] = ()
    """Folders that are there, in the order in which they are made."""
    gone: tuple[str, ...] = ()
    """Files of an earlier parcel that are not there any more."""


class Piece(Message, frozen=True):
    """The next bytes of a parcel."""

    number: int
    data: bytes


class PieceTaken(Message, frozen=True):
    """Answer to a piece; a sender is only a few ahead, so that letters never wait for long."""

    number: int
    size: int
    """Bytes of the parcel that have arrived."""


class ParcelTaken(Message, frozen=True):
    """Answer to a parcel that is whole."""

    number: int
    problem: str | None = None
    """Reason why it could not be written; None where all of it is in its place."""
