"""The entry point of the command `search`."""

from __future__ import annotations

import os
import signal


def main() -> int:
    """Run the command; returns its exit code."""
    is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_heard:
        # Python would answer a Ctrl-C with a traceback of whatever is being imported
        signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    from search import cli

    if is_heard:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return cli.main()
