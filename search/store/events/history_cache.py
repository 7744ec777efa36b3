"""The histories of finished trials as their events were folded before, so that only what is new is.

Derived, and never needed: the events are the record. The owner of a study writes the file, and an
entry counts only while the events file is the very one that it was made from. Whoever copies,
edits or restores an events file changes its stamp, and whatever is in doubt is read from events.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

import msgspec

from search.layout import StudyFolder
from search.plain.whole_files import open_privately
from search.store.events.attempts import Attempt
from search.store.events.trial_history import TrialHistory
from search.store.records import AttemptRecord, AuditRecord, BranchRecord

# raised whenever the same events come to add up to something else
_FORMAT = 2
_KINDS = (TrialHistory, Attempt, AttemptRecord, AuditRecord, BranchRecord)
_SHAPE = [each.name for kind in _KINDS for each in fields(kind)]
_HEADER = f"search histories {_FORMAT} {zlib.crc32(' '.join(_SHAPE).encode()):08x}\n".encode()
# number and stamp of a trial, the length of its history, then the checksum of those and of it
_HEAD = struct.Struct("<IQqqQI")
_CHECKSUM = struct.Struct("<I")
_DECODER = msgspec.msgpack.Decoder(TrialHistory)
# what a history raises that cannot be written, as with a whole number of more than 64 bits
_UNWRITABLE = (TypeError, ValueError, OverflowError)
# file systems tell the time of a change no more exactly than this
_CLOCK_NS = 1_000_000_000


class Stamp(NamedTuple):
    """Tells an events file from what it was before: the kernel sets the time of its last change,
    so neither an edit nor a copy leaves all of it as it was."""

    size: int
    written_ns: int
    changed_ns: int
    inode: int


# by number, the stamp of the events and the encoded history
Entries = Mapping[int, tuple[Stamp, bytes]]


def cached_entries(folder: StudyFolder) -> Entries:
    """What the cache of a study holds; nothing where there is none, or one of another release."""
    entries: dict[int, tuple[Stamp, bytes]] = {}
    try:
        content = folder.histories.read_bytes()
    except OSError:
        return entries
    place = len(_HEADER)
    if content[:place] != _HEADER:
        return entries
    while place + _HEAD.size <= len(content):
        number, *stamp, length = _HEAD.unpack_from(content, place)
        end = place + _HEAD.size + length
        checksum = content[end : end + _CHECKSUM.size]
        if checksum != _checksum(content[place:end]):
            # torn or damaged, and so is all that follows
            break
        entries[number] = (Stamp(*stamp), content[place + _HEAD.size : end])
        place = end + _CHECKSUM.size
    return entries


def cached_history(entries: Entries, folder: StudyFolder, number: int) -> TrialHistory | None:
    """The history of a trial whose events are those that it was made from; None where not."""
    if number not in entries:
        return None
    stamp, encoded = entries[number]
    if stamp_of(folder, number) != stamp:
        return None
    try:
        return _DECODER.decode(encoded)
    except msgspec.DecodeError:
        return None


def stamp_of(folder: StudyFolder, number: int) -> Stamp | None:
    """The stamp of the events of a trial as they are now; None where there are none."""
    try:
        status = os.stat(folder.trial_events(number))  # noqa: PTH116 - a path takes longer
    except OSError:
        return None
    return Stamp(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def add_to_cache(folder: StudyFolder, history: TrialHistory, stamp: Stamp) -> None:
    """Append the history of a trial that finished.

    Args:
        stamp: that of its events before the history was read from them.
    """
    with contextlib.suppress(OSError, *_UNWRITABLE), open_privately(folder.histories, "ab") as file:
        if file.tell() == 0:
            file.write(_HEADER)
        file.write(_entry(history, stamp))


def complete_cache(folder: StudyFolder, trials: Sequence[TrialHistory], read_ns: int) -> None:
    """Write the whole cache anew where it lacks a finished trial.

    Args:
        trials: as they were read.
        read_ns: when their reading began; a file that changed since is left out.
    """
    known = cached_entries(folder)
    stamps: dict[int, Stamp] = {}
    for trial in trials:
        stamp = stamp_of(folder, trial.number) if trial.is_finished else None
        if stamp is not None and stamp.changed_ns < read_ns - _CLOCK_NS:
            stamps[trial.number] = stamp
    if all(number in known and known[number][0] == stamp for number, stamp in stamps.items()):
        return
    temporary = folder.histories.with_name(f".{folder.histories.name}.tmp")
    # nobody misses a cache that cannot be written
    with contextlib.suppress(OSError):
        _write(temporary, [_entry(trials[number], stamp) for number, stamp in stamps.items()])
        temporary.replace(folder.histories)


def _write(path: Path, entries: Sequence[bytes]) -> None:
    path.unlink(missing_ok=True)
    with open_privately(path, "xb") as file:
        file.writelines([_HEADER, *entries])


def _entry(history: TrialHistory, stamp: Stamp) -> bytes:
    """The history as the cache holds it; empty where it cannot be written."""
    try:
        encoded = msgspec.msgpack.encode(history)
        body = _HEAD.pack(history.number, *stamp, len(encoded)) + encoded
    except (*_UNWRITABLE, struct.error):
        return b""
    return body + _checksum(body)


def _checksum(body: bytes) -> bytes:
    return _CHECKSUM.pack(zlib.crc32(body))
