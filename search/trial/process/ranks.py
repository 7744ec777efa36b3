"""The ranks of a distributed trial: processes that Lightning starts beside the attempt's own.

Rank 0 is the attempt and speaks for all; another one that fails leaves its last words in the
trial's folder, because what rank 0 sees of that is a connection that was closed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import torch.distributed

from search.layout import TrialFolder
from search.messages import ERROR, INTERRUPTED, KILLED, PAUSED, PRUNED, Ended
from search.plain.whole_files import write_whole
from search.trial.process.failures import RankKilled, cause_of
from search.trial.process.rank_variables import is_on_several_nodes, rank_of
from search.wire import encode

_EXIT_S = 2.0
_POLL_S = 0.05


def own_rank() -> int:
    """The rank of this process in its trial; 0 for the attempt itself."""
    if is_on_several_nodes():
        return rank_of(os.environ)
    return int(os.environ.get("LOCAL_RANK", "0"))


def gather_from_ranks(trainer: Any, value: object) -> list[Any]:
    """The values of all ranks, in their order, on every rank; each of them must call this."""
    if not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return []
    values: list[Any] = [None] * trainer.world_size
    torch.distributed.all_gather_object(values, value)
    return values


def leave_last_words(folder: TrialFolder, said: Ended) -> None:
    """Write how a rank other than 0 failed, unless another rank ended it."""
    if said.cause not in (PRUNED, PAUSED, INTERRUPTED):
        _leave(folder, own_rank(), said)


def forget_last_words(folder: TrialFolder) -> None:
    """Remove the last words of an earlier attempt's ranks."""
    for path in folder.rank_ends():
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def name_killed_rank(trainer: Any, folder: TrialFolder) -> Iterator[None]:
    """Replace an error of rank 0 where its reason is that somebody killed another rank.

    Lightning looks every five seconds whether its processes live, and kills rank 0 at once where
    one does not, so the words are left in the trial's folder as well, before it can see that.

    Raises:
        RankKilled: in place of the error.
    """
    launcher = trainer.strategy.launcher
    is_over = threading.Event()
    if hasattr(launcher, "procs"):
        watch = (launcher, folder, is_over)
        threading.Thread(target=_watch, args=watch, name="ranks", daemon=True).start()
    try:
        yield
    except Exception as error:
        processes = getattr(launcher, "procs", None) or []
        if processes and cause_of(error) == ERROR:
            _refuse_killed(processes, error)
        raise
    finally:
        is_over.set()


def _watch(launcher: Any, folder: TrialFolder, is_over: threading.Event) -> None:
    """Start a thread that waits for each process, as soon as Lightning has started them."""
    while not launcher.procs:
        if is_over.wait(_POLL_S):
            return
    for rank, process in enumerate(launcher.procs, 1):
        wait = (rank, process, folder)
        threading.Thread(target=_wait, args=wait, name=f"rank-{rank}", daemon=True).start()


def _wait(rank: int, process: subprocess.Popen[bytes], folder: TrialFolder) -> None:
    """Leave the last words of a process that a signal ends."""
    # as long as this waits, Lightning's own look at the process finds it alive
    message = _killed(rank, process.wait())
    if message is not None:
        _leave(folder, rank, Ended(KILLED, message=message))


def _refuse_killed(processes: list[Any], error: Exception) -> None:
    """Raise `RankKilled` if a signal ended a process, known a moment after its sockets close."""
    deadline = time.monotonic() + _EXIT_S
    while time.monotonic() < deadline and any(each.poll() is None for each in processes):
        time.sleep(_POLL_S)
    for rank, process in enumerate(processes, 1):
        message = _killed(rank, process.poll())
        if message is not None:
            raise RankKilled(message) from error


def _killed(rank: int, status: int | None) -> str | None:
    """How a rank was killed, by its exit status; None where no signal from outside ended it."""
    # Lightning ends the other ranks itself by SIGTERM
    if status is None or status >= 0 or status == -signal.SIGTERM:
        return None
    return f"rank {rank} was killed by {signal.Signals(-status).name}"


def _leave(folder: TrialFolder, rank: int, said: Ended) -> None:
    with contextlib.suppress(OSError):
        write_whole(folder.rank_end(rank), encode(said).decode())
