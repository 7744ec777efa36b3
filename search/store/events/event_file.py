"""`events.jsonl` of a trial or a study: what happened, one JSON object a line.

These files are the record of a study: everything that is read is read from them.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

import msgspec

from search.errors import StorageError
from search.plain.whole_files import open_privately

Event = dict[str, Any]

_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def append_event(path: Path, event: str, *, sync: bool = True, **details: Any) -> Event:
    """Append one event with the time it is written; returns the line as `read_events` will.

    A last line that was cut off while it was written is removed first.

    Args:
        sync: wait until the line is on the disk. What an attempt says of itself need not: it says
            it again, and a checkpoint waits for the reports behind it.
    """
    line = {"time": datetime.now(UTC).isoformat(), "event": event}
    line |= {key: strict(value) for key, value in details.items()}
    with open_privately(path, "ab+") as file:
        _cut_torn_line(file)
        file.write(json.dumps(line, allow_nan=False).encode() + b"\n")
        file.flush()
        if sync:
            os.fsync(file.fileno())
    return line


def write_events(path: Path, events: Iterable[Event]) -> None:
    """Write a new file of events that happened before."""
    with open_privately(path, "xb") as file:
        file.writelines(json.dumps(event, allow_nan=False).encode() + b"\n" for event in events)
        file.flush()
        os.fsync(file.fileno())


def read_events(path: Path) -> list[Event]:
    """The events of a file, the oldest first; none where there is no file.

    A last line without its end was cut off while it was written, and counts as not written.

    Raises:
        StorageError: a line is no event.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    *lines, _ = content.split(b"\n")
    # all at once, because decoding is most of what reading a study costs
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        events = list(map(_DECODER.decode, lines))
        if all(map(_is_event, events)):
            return events
    # one by one, to take half a character or to tell which line is none
    return [_parsed(path, number, line) for number, line in enumerate(lines, 1)]


def strict(value: Any) -> Any:
    """The value as strict JSON can hold it: NaN and infinities become their names, at any depth."""
    if isinstance(value, dict):
        return {key: strict(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [strict(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return value


def _cut_torn_line(file: IO[bytes]) -> None:
    end = file.seek(0, os.SEEK_END)
    file.seek(max(end - 1, 0))
    if file.read(1) not in (b"", b"\n"):
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)


def _is_event(value: Any) -> bool:
    return type(value) is dict and type(value.get("event")) is str


def _parsed(path: Path, number: int, line: bytes) -> Event:
    event = _decoded(line)
    if not _is_event(event):
        raise StorageError(
            f"{path}: line {number} is not an event. Restore the file from a copy, or remove the "
            "line to do without it."
        )
    return cast(Event, event)


def _decoded(line: bytes) -> object:
    """The value of a line of JSON; None where it is none."""
    try:
        # takes half a character as well, which a message may hold
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
