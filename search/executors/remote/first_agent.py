"""The agent of the first of several machines of an allocation, which leads those of the others.

`python -m search.executors.remote.first_agent FOLDER NAME NODE ADDRESS OTHERS COMMAND...`, as the
engine starts it: address of this machine, names of the others with commas in between, and the
command that runs another on one of them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from search.executors.remote.agent import Agent
from search.executors.remote.other_node import Companions


def main(arguments: list[str]) -> int:
    """Run the agent; returns the exit status."""
    folder, name, node, address, others, *reach = arguments
    nodes = tuple(others.split(","))
    # everything that it makes is the user's alone
    os.umask(0o077)
    # lost or excluded, they are so together
    together = ",".join((node, *nodes))
    return Agent(Path(folder), name, together, Companions(address, nodes, tuple(reach))).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
