"""What the ranks of a distributed trial left in its folder when they failed."""

from __future__ import annotations

import contextlib

from search.engine.running_attempts import Running
from search.layout import TrialFolder
from search.messages import ERROR, INTERRUPTED, KILLED, OOM, Ended, Probed
from search.wire import decode

# what rank 0 says, if anything, when another rank has left it
_ECHOES = (ERROR, KILLED, INTERRUPTED)


def last_words_of(running: Running) -> Ended | Probed | None:
    """Why an attempt ended: what rank 0 said, unless another rank had failed before it spoke."""
    said = running.last_words
    if isinstance(said, Probed) or (said is not None and said.cause not in _ECHOES):
        return said
    ends = _ends_of_ranks(running.folder, before=running.told_at)
    # the others of one that ran out of memory lose their connection to it
    ends.sort(key=lambda end: end.cause != OOM)
    return ends[0] if ends else said


def _ends_of_ranks(folder: TrialFolder, *, before: float) -> list[Ended]:
    """In the order in which they were written; what is no message is left out."""
    written = sorted((path.stat().st_mtime, path) for path in folder.rank_ends())
    ends: list[Ended] = []
    for at, path in written:
        with contextlib.suppress(ValueError, OSError):
            end = decode(path.read_bytes())
            if at <= before and isinstance(end, Ended):
                ends.append(end)
    return ends
