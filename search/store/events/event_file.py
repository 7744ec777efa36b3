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
from typing import IO, Any

import msgspec

from search.errors import StorageError
from search.plain.whole_files import open_privately

Event = dict[str, Any]


def append_event(path: Path, event: str, *, sync: bool = True, **details: Any) -> Event:
    """Append one event with the time it is written; returns the line as `read_events` will.

    A last line that was cut off while it was written is removed first.

    Args:
        sync: wait until the line is on the disk. A report need not: its checkpoint is older than
            it, so a power cut that takes the line makes the trial report it again.
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


def _parsed(path: Path, number: int, line: bytes) -> Event:
    event = _decoded(line)
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        raise StorageError(
            f"{path}: line {number} is not an event. Restore the file from a copy, or remove the "
            "line to do without it."
        )
    return event


def _decoded(line: bytes) -> Any:
    """The value of a line of JSON; None where it is none."""
    # three times as quick as the standard library's, and most of what reading a study costs
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return msgspec.json.decode(line)
    try:
        # takes half a character as well, which a message may hold
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
