"""Which processes are still there: a process number alone does not tell, it is used again."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil

# in the environment of everything that an executor starts, and of what that starts
OWNER = "SEARCH_OWNER"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str:
    """What changes when the machine restarts."""
    if _BOOT_ID.is_file():
        return _BOOT_ID.read_text("ascii").strip()
    return str(int(psutil.boot_time()))


def is_attempt(pid: int, boot: str) -> bool:
    """Whether `pid` is still the attempt that it was in the boot session `boot`."""
    if boot != boot_id():
        return False
    try:
        process = psutil.Process(pid)
        # a process that ended but was not yet waited for does nothing any more
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return "search.trial" in process.cmdline()
    except psutil.Error:
        return False


def is_stopped(pid: int) -> bool:
    """Whether somebody has stopped the process, so that it does nothing until it is continued."""
    try:
        return psutil.Process(pid).status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    except psutil.Error:
        return False


def end_attempt(pid: int, boot: str, timeout_s: float = 5.0) -> None:
    """Kill the process group of an attempt that outlived its coordinator; wait until it is gone."""
    deadline = time.monotonic() + timeout_s
    while is_attempt(pid, boot) and time.monotonic() < deadline:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        time.sleep(0.02)


def owner_of(server_log: Path) -> str:
    """By what the processes of an executor are known, for ever: where its server logs."""
    return str(server_log.absolute())


def end_processes_of(owner: str) -> None:
    """Kill what an earlier executor of this name has left behind, whoever was its parent."""
    above = {os.getpid(), *(each.pid for each in psutil.Process().parents())}
    for process in psutil.process_iter():
        # what belongs to others cannot be looked into
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid not in above and process.environ().get(OWNER) == owner:
                process.kill()
