"""The agent of the first of several machines of an allocation, which leads those of the others.

`python -m search.executors.remote.first_agent FOLDER NAME NODE ADDRESS OTHERS [COMMAND...]`, as the
engine starts it: address of this machine, names of the others with commas in between, and the
command that runs another on one of them. Without a command the engine has started the other agents
itself, and keeps a way to each of them here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from search.executors.remote.agent import Agent
from search.executors.remote.agent_files import other_name, relay_name
from search.executors.remote.attach import attach_command
from search.executors.remote.other_node import Companions

_ROOM = "search.executors.remote"


def main(arguments: list[str]) -> int:
    """Run the agent; returns the exit status."""
    folder, name, node, address, others, *reach = arguments
    nodes = tuple(others.split(","))
    # everything that it makes is the user's alone
    os.umask(0o077)
    # lost or excluded, they are so together
    together = ",".join((node, *nodes))
    lines = tuple(_line(folder, name, number, node, reach) for number, node in enumerate(nodes, 1))
    return Agent(Path(folder), name, together, Companions(address, nodes, lines)).run()


def _line(folder: str, name: str, number: int, node: str, reach: Sequence[str]) -> tuple[str, ...]:
    """The command whose input and output lead to the agent of another machine."""
    if not reach:
        return tuple(attach_command(Path(folder), relay_name(name, number)))
    started = (sys.executable, "-m", f"{_ROOM}.attached_agent", folder, other_name(name, number))
    return (*reach, node, *started, node)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
