"""Exceptions of an attempt become data here, and nowhere else: cause, one line, traceback."""

from __future__ import annotations

import re
import traceback

import optuna
import torch
from pytorch_lightning.utilities.memory import is_oom_error

from search.errors import DISK_TROUBLE, UserError
from search.messages import (
    DIVERGED,
    ERROR,
    INFEASIBLE,
    INTERRUPTED,
    KILLED,
    OOM,
    PAUSED,
    PRUNED,
    Ended,
)

# a signal to the attempt's whole group reaches the workers of its data loader too; torch's words
_WORKER_KILLED = re.compile(r"DataLoader worker \(pid.*(killed by signal|exited unexpectedly)")
# beyond the words that Lightning knows, which are those of CUDA and the CPU
_OUT_OF_MEMORY = re.compile(r"(CUDA|HIP|XPU|MPS).* out of memory|CUBLAS_STATUS_ALLOC_FAILED")
_MESSAGE_LIMIT = 500
_TRACEBACK_LIMIT = 20_000


class Diverged(Exception):
    """A metric that counts is NaN or infinite."""


class Infeasible(Exception):
    """The trial breaks a constraint on its outcome already before it is trained."""


class StopRequested(Exception):
    """The coordinator asked the attempt to end; its checkpoint is written."""


class PauseRequested(Exception):
    """The coordinator wants the trial to wait; its checkpoint is written."""


class RankKilled(Exception):
    """Another rank of a distributed trial was killed by a signal."""


_SPEAK_FOR_THEMSELVES = (
    UserError,
    Diverged,
    Infeasible,
    StopRequested,
    RankKilled,
    optuna.TrialPruned,
)


def ended_by(error: BaseException) -> Ended:
    """The last message of an attempt that ended with `error`."""
    cause = cause_of(error)
    text = None if cause in (PRUNED, PAUSED, INTERRUPTED, INFEASIBLE) else _full_traceback(error)
    message = None if cause in (PRUNED, PAUSED) else one_line(error)
    return Ended(cause=cause, message=message, traceback=text)


def cause_of(error: BaseException) -> str:
    """Cause that `error` is, one of those in `messages`."""
    match error:
        case optuna.TrialPruned():
            return PRUNED
        case PauseRequested():
            return PAUSED
        case Diverged():
            return DIVERGED
        case Infeasible():
            return INFEASIBLE
        case _ if _is_out_of_memory(error):
            return OOM
        # a full or failing disk is not the trial's fault; it is tried again
        case OSError() if error.errno in DISK_TROUBLE:
            return KILLED
        case RuntimeError() if _WORKER_KILLED.match(str(error)):
            return KILLED
        case RankKilled():
            return KILLED
    # Lightning turns Ctrl-C into SystemExit and SIGTERM into an exception of its own
    names = {cls.__name__ for cls in type(error).__mro__}
    if names & {"StopRequested", "KeyboardInterrupt", "SystemExit", "SIGTERMException"}:
        return INTERRUPTED
    return ERROR


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or is_oom_error(error):
        return True
    return isinstance(error, RuntimeError) and _OUT_OF_MEMORY.search(str(error)) is not None


def one_line(error: BaseException) -> str:
    """Class and message on one line; messages of our own speak for themselves."""
    text = " ".join(str(error).split())
    if not isinstance(error, _SPEAK_FOR_THEMSELVES):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text[:_MESSAGE_LIMIT]


def _full_traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))[-_TRACEBACK_LIMIT:]
