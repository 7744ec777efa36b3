"""Orphans: processes of a user's code, none of which outlives its attempt.

On Linux a process whose parent is gone gets the nearest ancestor that asked for it as its new
parent. Attempts, the fork server, and a guardian above it ask; so whatever detached itself from an
attempt is found below one of them, in whichever order they die.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Collection

import psutil

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_TIMEOUT_S = 5.0
_PAUSE_S = 0.005


def adopt() -> None:
    """Become the parent of descendants whose own parent ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with(parent: int) -> None:
    """Linux: let the kernel kill this process when its parent ends. Elsewhere the end of a pipe
    or of the channel does it, which is noticed when the process runs."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # died between fork and prctl
            os._exit(1)


def guard() -> None:
    """Put a guardian between this process and its parent: the child goes on, the parent waits for
    it and ends what it leaves."""
    if sys.platform != "linux":
        return
    guardian = os.getpid()
    adopt()
    child = os.fork()
    if child == 0:
        die_with(guardian)
        os.setsid()
        return
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        # the coordinator and the server see each other's end by these
        os.dup2(null, stream)
    _, status = os.waitpid(child, 0)
    end_children()
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        with contextlib.suppress(OSError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(max(code, 0))


def children() -> set[int]:
    """Children of this process."""
    return {each.pid for each in psutil.Process().children()}


def end_children(keep: Collection[int] = ()) -> None:
    """Kill every child but those to keep, with all that is below it, until there is none."""
    deadline = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < deadline:
        orphans = [each for each in psutil.Process().children() if each.pid not in keep]
        if not orphans:
            return
        for orphan in orphans:
            _kill_tree(orphan)
        time.sleep(_PAUSE_S)


def _kill_tree(root: psutil.Process) -> None:
    with contextlib.suppress(psutil.Error):
        for process in (*root.children(recursive=True), root):
            with contextlib.suppress(psutil.Error):
                process.kill()
    with contextlib.suppress(ChildProcessError):
        os.waitpid(root.pid, os.WNOHANG)
