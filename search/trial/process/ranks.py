"""The ranks of a distributed trial: processes that Lightning starts beside the attempt's own.

Rank 0 is the attempt and speaks for all; another one that fails leaves its last words in the
trial's folder, because what rank 0 sees of that is a connection that was closed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import torch.distributed

from search.layout import TrialFolder
from search.messages import ERROR, INTERRUPTED, PRUNED, Ended
from search.plain.whole_files import write_whole
from search.trial.process.failures import RankKilled, cause_of
from search.wire import encode

_EXIT_S = 2.0
_POLL_S = 0.05


def own_rank() -> int:
    """The rank of this process on its machine; 0 for the attempt itself."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def gather(trainer: Any, value: Any) -> list[Any]:
    """The values of all ranks, in their order, on every rank; each of them must call this."""
    if not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return []
    values: list[Any] = [None] * trainer.world_size
    torch.distributed.all_gather_object(values, value)
    return values


def leave_last_words(folder: TrialFolder, said: Ended) -> None:
    """Write how a rank other than 0 failed, unless another rank ended it."""
    if said.cause not in (PRUNED, INTERRUPTED):
        with contextlib.suppress(OSError):
            write_whole(folder.rank_end(own_rank()), encode(said).decode())


def forget_last_words(folder: TrialFolder) -> None:
    """Remove the last words of an earlier attempt's ranks."""
    for path in folder.rank_ends():
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def name_killed_rank(trainer: Any) -> Iterator[None]:
    """Replace an error of rank 0 where its reason is that somebody killed another rank.

    Raises:
        RankKilled: in place of the error.
    """
    try:
        yield
    except Exception as error:
        processes = getattr(trainer.strategy.launcher, "procs", None) or []
        if processes and cause_of(error) == ERROR:
            _refuse_killed(processes, error)
        raise


def _refuse_killed(processes: list[Any], error: Exception) -> None:
    """Raise `RankKilled` if a signal ended a process, known a moment after its sockets close."""
    deadline = time.monotonic() + _EXIT_S
    while time.monotonic() < deadline and any(each.poll() is None for each in processes):
        time.sleep(_POLL_S)
    for rank, process in enumerate(processes, 1):
        status = process.poll()
        # Lightning ends the other ranks itself by SIGTERM
        if status is not None and status < 0 and status != -signal.SIGTERM:
            name = signal.Signals(-status).name
            raise RankKilled(f"rank {rank} was killed by {name}") from error
