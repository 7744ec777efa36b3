"""An agent with the way to it: the output and input of this process are those of its socket.

`python -m search.executors.remote.attached_agent FOLDER NAME NODE`, run by the engine on another
machine of an allocation. It and its agent end together.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from search.executors.remote import attach

# in which what the agent said last is carried
_LAST_WORDS_S = 1.0


def main(arguments: list[str]) -> int:
    """Start the agent and be its line; returns the exit status of `attach`."""
    folder, name, node = arguments
    os.umask(0o077)
    with (Path(folder) / f"{name}.txt").open("ab") as log:
        agent = subprocess.Popen(
            [
                *(sys.executable, "-m", "search.executors.remote.child_agent"),
                *(str(os.getpid()), folder, name, node),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    threading.Thread(target=_end_with, args=[agent], daemon=True).start()
    status = attach.main([folder, name])
    return status if agent.poll() is None else attach.AGENT_IS_GONE


def _end_with(agent: subprocess.Popen[bytes]) -> None:
    """End this process after its agent, which may never have said where it listens."""
    agent.wait()
    time.sleep(_LAST_WORDS_S)
    os._exit(attach.AGENT_IS_GONE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
