"""Processes of earlier runs, found again by number and boot session, or by their environment.

A number alone does not tell one: the system uses it again.
"""

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
    """Identifier of the machine's boot session, another one after every restart."""
    if _BOOT_ID.is_file():
        return _BOOT_ID.read_text("ascii").strip()
    return str(int(psutil.boot_time()))


def is_attempt(pid: int, boot: str) -> bool:
    """True where `pid` is still the attempt that it was in the boot session `boot`."""
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
    """True where somebody has stopped the process, until somebody continues it."""
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


def end_child_of(pid: int) -> None:
    """Kill the children of a process, or itself where it has none yet."""
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(pid)
        for process in parent.children() or [parent]:
            process.kill()


def owner_of(server_log: Path) -> str:
    """Name of an executor in the environment of its processes: the path of its server's log."""
    return str(server_log.absolute())


def end_processes_of(owner: str) -> None:
    """Kill the processes that an earlier executor of this name left, whoever is their parent."""
    above = {os.getpid(), *(each.pid for each in psutil.Process().parents())}
    for process in psutil.process_iter():
        # what belongs to others cannot be looked into
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid not in above and process.environ().get(OWNER) == owner:
                process.kill()
