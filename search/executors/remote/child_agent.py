"""An agent that does not outlive the process that started it, where the engine ends that one alone.

`python -m search.executors.remote.child_agent PARENT FOLDER NAME NODE [ADDRESS OTHERS]`, with the
number of the process that started it; what follows NODE is for the first of several machines.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from search.executors.remote import agent, first_agent

_PR_SET_PDEATHSIG = 1
# arguments of an agent that leads no others
_ALONE = 3


def main(arguments: list[str]) -> int:
    """Run the agent; returns the exit status. Linux kills it with its parent; elsewhere the end of
    its lease does."""
    parent, *rest = arguments
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(parent):
            # it died meanwhile
            return 1
    return agent.main(rest) if len(rest) == _ALONE else first_agent.main(rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
