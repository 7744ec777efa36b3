"""Messages as lines: one object of strict JSON a line, never a pickle."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

from search.agent_messages import (
    BridgeFailed,
    Dismiss,
    Gone,
    Joined,
    Leave,
    Letter,
    OpenBridge,
    Ping,
    Serve,
    StartAttempt,
    Told,
    WantAgents,
)
from search.answers import (
    AnnotatedRanges,
    Checked,
    Description,
    DryRun,
    ExportFacts,
    LoggedMetrics,
    Timed,
)
from search.file_messages import (
    FetchFiles,
    OfferFiles,
    Parcel,
    ParcelTaken,
    Piece,
    PieceTaken,
    SeesOtherDisk,
    TakeFiles,
)
from search.messages import (
    Ended,
    Exited,
    Expect,
    Hello,
    Kill,
    Launch,
    Launched,
    Leaving,
    LoopEnded,
    Measured,
    Message,
    Preload,
    Probed,
    Ready,
    Reported,
    Saved,
    SlotClosed,
    SlotClosing,
    SlotOpened,
    Started,
    StartSettled,
    Stepped,
    Stop,
    Verdict,
)

MAX_LINE_BYTES = 1 << 20

# all that a line may be
_CLASSES: tuple[type[Message], ...] = (
    Preload,
    Expect,
    Launch,
    Ready,
    Launched,
    Exited,
    Kill,
    Hello,
    Started,
    StartSettled,
    Measured,
    Reported,
    Stepped,
    LoopEnded,
    Saved,
    Verdict,
    Stop,
    Ended,
    Leaving,
    Probed,
    SlotOpened,
    SlotClosing,
    SlotClosed,
    Letter,
    Ping,
    Joined,
    Serve,
    StartAttempt,
    Leave,
    Gone,
    Told,
    OpenBridge,
    WantAgents,
    Dismiss,
    BridgeFailed,
    SeesOtherDisk,
    FetchFiles,
    OfferFiles,
    TakeFiles,
    Parcel,
    Piece,
    PieceTaken,
    ParcelTaken,
    Checked,
    AnnotatedRanges,
    ExportFacts,
    LoggedMetrics,
    Timed,
    DryRun,
    Description,
)
_BY_KIND = {cls.__struct_config__.tag: cls for cls in _CLASSES}


def encode(message: Message) -> bytes:
    """One line; numbers that JSON cannot hold travel as their names."""
    return json.dumps(to_plain(message), allow_nan=False).encode() + b"\n"


def decode(line: bytes) -> Message:
    """The message of one line.

    Raises:
        ValueError: the line is no JSON object, of an unknown kind, or has other fields.
    """
    try:
        # json, unlike msgspec, takes names of files that are not UTF-8
        tree = json.loads(line)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    return from_plain(tree)


def to_plain(message: Message) -> dict[str, Any]:
    """A message as plain data, to travel in a line of its own or within another message."""
    tree: dict[str, Any] = msgspec.to_builtins(message)
    return {key: _without_special_numbers(value) for key, value in tree.items()}


def from_plain(tree: object) -> Message:
    """The message that `to_plain` made this of.

    Raises:
        ValueError: as `decode`.
    """
    kind = tree.get("kind") if isinstance(tree, dict) else None
    if not isinstance(kind, str) or kind not in _BY_KIND:
        raise ValueError("not a message of this channel")
    try:
        # not strict, so that the name of a number is one
        return msgspec.convert(tree, _BY_KIND[kind], strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


class LineBuffer:
    """Whole lines out of the pieces in which a socket or a pipe gives them."""

    def __init__(self) -> None:
        self._rest = b""

    def lines(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes.

        Raises:
            ValueError: a line grows beyond what a message may have.
        """
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            raise ValueError(f"a line of more than {MAX_LINE_BYTES} bytes")
        return lines


def _without_special_numbers(tree: object) -> object:
    """The same tree with the names of NaN and the infinities in their place."""
    match tree:
        case float() if not math.isfinite(tree):
            return repr(tree)
        case dict():
            return {key: _without_special_numbers(value) for key, value in tree.items()}
        case list() | tuple():
            return [_without_special_numbers(value) for value in tree]
    return tree
