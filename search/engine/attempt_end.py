"""The end of an attempt, by what it or another rank of it says, or by how its process ended."""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass, field

from search.layout import TrialFolder
from search.messages import ECHOES, ERROR, HUNG, INTERRUPTED, KILLED, LOST, OOM, Ended, Probed
from search.wire import decode

# so many machines lost in a row are no accident
MAX_LOSSES = 10
# processes of the attempt: how torch, and `trial.ranks`, begin what they say of one that was killed
_PARTS = ("DataLoader worker", "rank ")


@dataclass(frozen=True)
class Outcome:
    """Meaning of an attempt's end for its trial."""

    cause: str
    """One of the causes of `search.messages`."""
    value: float | None = None
    """Value of the objective, of a trial that is done."""
    message: str | None = None
    """Reason in one line."""
    goes_on: bool = False
    """True where the trial is to be tried again although the cause would end it."""
    may_recur: bool = False
    """True where it is to be tried again, but only as often as after a kill."""
    metrics: dict[str, float] = field(default_factory=dict)
    """Metrics that count, at the checkpoint of the value."""


@dataclass(frozen=True)
class ProcessEnd:
    """Facts about the end of an attempt's process."""

    said: Ended | Probed | None
    """Its last words; None where it had none."""
    status: int
    """Exit status; negative for a signal."""
    ordered: str | None = None
    """Cause for which the coordinator killed it; None where it did not."""
    why: str | None = None
    """That order in words."""
    is_stopping: bool = False
    """True where the coordinator had asked it to end."""
    memory_ran_out: bool = False
    """True where the kernel killed a process for memory meanwhile."""
    lost: str | None = None
    """What became of its machine, in words; None where the process itself ended."""


def outcome_of(ending: ProcessEnd) -> Outcome:
    """The outcome of an attempt, which is never left open."""
    said = ending.said
    if isinstance(said, Ended):
        cause = said.cause
        is_part = any(part in (said.message or "") for part in _PARTS)
        if cause == KILLED and ending.memory_ran_out and is_part:
            return Outcome(OOM, message=f"the memory of the machine ran out: {said.message}")
        # the last words on a machine that goes down, or of the rank that lost its others with it
        if ending.lost is not None and cause in ECHOES:
            return _of_lost(ending.lost, ending)
        if cause in (INTERRUPTED, KILLED):
            # where nobody here asked it to stop, somebody else did, or the code left by itself
            cause = INTERRUPTED if ending.is_stopping else KILLED
        return Outcome(cause, said.value, said.message, metrics=said.metrics)
    if ending.ordered == HUNG:
        return Outcome(HUNG, message=ending.why)
    if ending.ordered is not None:
        return Outcome(ending.ordered, message="ended before its checkpoint was written")
    if ending.lost is not None:
        return _of_lost(ending.lost, ending)
    if ending.status == -signal.SIGKILL and ending.memory_ran_out:
        message = "killed by the kernel: the memory of the machine ran out"
        # which another program may have taken
        return Outcome(OOM, message=message, may_recur=True)
    if ending.status < 0:
        # the signal that stops a study may reach its attempts as well, as systemd sends it
        cause = INTERRUPTED if ending.is_stopping else KILLED
        return Outcome(cause, message=f"killed by {signal.Signals(-ending.status).name}")
    if ending.status == os.EX_TEMPFAIL:
        return Outcome(KILLED, message="its log cannot be written: the disk is full or failing")
    return Outcome(ERROR, message=f"its process ended with status {ending.status}")


def _of_lost(lost: str, ending: ProcessEnd) -> Outcome:
    return Outcome(INTERRUPTED if ending.is_stopping else LOST, message=lost)


def last_words_of(
    said: Ended | Probed | None, folder: TrialFolder, told_at: float
) -> Ended | Probed | None:
    """Last words of an attempt: those of rank 0, unless another rank had failed before it spoke.

    Args:
        said: last words of rank 0.
        told_at: when they came, in seconds since 1970; infinity where none did.
    """
    if isinstance(said, Probed) or (said is not None and said.cause not in ECHOES):
        return said
    ends = _ends_of_ranks(folder, before=told_at)
    # the others of one that ran out of memory lose their connection to it
    ends.sort(key=lambda end: end.cause != OOM)
    return ends[0] if ends else said


def _ends_of_ranks(folder: TrialFolder, *, before: float) -> list[Ended]:
    """Last words of the other ranks, in the order in which they were written; a file that holds no
    message is left out."""
    written = sorted((path.stat().st_mtime, path) for path in folder.rank_ends())
    ends: list[Ended] = []
    for at, path in written:
        with contextlib.suppress(ValueError, OSError):
            end = decode(path.read_bytes())
            if at <= before and isinstance(end, Ended):
                ends.append(end)
    return ends
