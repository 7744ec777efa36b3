"""What the end of an attempt means: told by itself, or by how its process ended."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

from search.messages import ERROR, HUNG, INTERRUPTED, KILLED, OOM, Ended, Probed

# processes of the attempt: how torch, and `trial.ranks`, begin what they say of one that was killed
_PARTS = ("DataLoader worker", "rank ")
_KERNEL_COUNTERS = Path("/proc/vmstat")


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended: one of the causes of `search.messages`, a value if it is done, and
    the `metrics` that count at the checkpoint of that value.

    `goes_on` says that the trial is to be tried again although the cause would end it, `may_recur`
    the same, but only as often as after a kill.
    """

    cause: str
    value: float | None = None
    message: str | None = None
    goes_on: bool = False
    may_recur: bool = False
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Ending:
    """How the process of an attempt went.

    `said` are its last words, `status` its exit status (negative for a signal), `ordered` the cause
    for which the coordinator killed it, `why` that order in words; `is_stopping` whether it had
    been asked to end, `memory_ran_out` whether the kernel killed a process for memory meanwhile.
    """

    said: Ended | Probed | None
    status: int
    ordered: str | None = None
    why: str | None = None
    is_stopping: bool = False
    memory_ran_out: bool = False


def outcome_of(ending: Ending) -> Outcome:
    """The outcome of an attempt, which is never left open."""
    said = ending.said
    if isinstance(said, Ended):
        cause = said.cause
        is_part = any(part in (said.message or "") for part in _PARTS)
        if cause == KILLED and ending.memory_ran_out and is_part:
            return Outcome(OOM, message=f"the memory of the machine ran out: {said.message}")
        if cause in (INTERRUPTED, KILLED):
            # where nobody here asked it to stop, somebody else did, or the code left by itself
            cause = INTERRUPTED if ending.is_stopping else KILLED
        return Outcome(cause, said.value, said.message, metrics=said.metrics)
    if ending.ordered == HUNG:
        return Outcome(HUNG, message=ending.why)
    if ending.ordered is not None:
        return Outcome(ending.ordered, message="ended before its checkpoint was written")
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


def kernel_memory_kills() -> int:
    """How many processes the kernel has killed for memory since the machine started, in any
    control group; 0 where it does not say (not Linux, or before 4.13)."""
    if not _KERNEL_COUNTERS.is_file():
        return 0
    for line in _KERNEL_COUNTERS.read_text("ascii").splitlines():
        if line.startswith("oom_kill "):
            return int(line.split()[1])
    return 0
