"""The entry point of the command `search`."""

from __future__ import annotations

import os
import signal
import sys


def main() -> int:
    """Run the command; returns its exit code."""
    _open_closed_streams()
    is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_heard:
        # Python would answer a Ctrl-C with a traceback of whatever is being imported
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    from search import cli

    if is_heard:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return cli.main()


def _open_closed_streams() -> None:
    """Let a standard stream that was closed lead nowhere.

    Else the next file to be opened, a database perhaps, takes its number and gets what is printed.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # the lowest number that is free, which is this one
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
