"""The messages between coordinator, bridge and the agents on other machines, beside those of
attempts, which travel inside of letters.
"""

from __future__ import annotations

from typing import Any

from search.messages import Message, Slot


class Letter(Message, frozen=True):
    """A message about an attempt, a slot, or an agent itself, between coordinator and agents."""

    message: dict[str, Any]
    """The message as plain data."""
    agent: str = ""
    """Agent that it is from or for; of one for all agents, now and later, empty."""
    about: str = ""
    """Attempt or slot; empty where it is about the agent."""
    number: int = 0
    """Its place in all letters of one direction between bridge and agent, from 1."""


class Ping(Message, frozen=True):
    """Bridge to agent, and its answer: a sign of life.

    What a bridge has heard of the agent's clock comes back with it: until a while after that time
    the agent may believe that nobody takes its place.
    """

    received: int
    """Number of the last letter that arrived."""
    clock: float
    """Of the agent, in seconds: now, or as the bridge has heard it last."""


class Joined(Message, frozen=True):
    """Agent to bridge: first line of every connection."""

    node: str
    """Name of its machine."""
    boot_id: str
    """Boot session of its machine."""
    versions: dict[str, str]
    """Version of each package whose version must be the same everywhere."""
    received: int
    """As in `Ping`."""
    clock: float
    """As in `Ping`."""


class Serve(Message, frozen=True):
    """Coordinator to agent, first of all: what attempts need there."""

    class_paths: tuple[str, ...]
    """Dotted names to import before the first fork."""
    sys_path: tuple[str, ...]
    """Folders that come first on the attempts' import path."""
    folder: str
    """Folder of the agents' logs on the disk of the study."""
    seal: str
    """Text in a file there by which an agent knows whether it sees that disk."""
    threads: int
    """CPU threads of each slot."""
    gpus: int | None
    """GPUs of each slot; None where it sees those that there are."""
    processes: int = 1
    """Processes that train one trial on each of its machines."""
    nodes: int = 1
    """Machines of one trial."""


class StartAttempt(Message, frozen=True):
    """Coordinator to agent: begin the attempt that the letter is about."""

    task: str
    """Task of the attempt."""
    folder: str
    """Folder of the trial, or of the question."""
    slot: Slot
    """Slot of the attempt."""
    variables: dict[str, str] | None = None
    """Of a rank beside the first, as in `Launch`; None for a whole attempt."""
    fence: str = ""
    """Of such a rank, as in `Launch`."""


class Leave(Message, frozen=True):
    """Bridge to agent: begin nothing any more, let attempts save, and go."""

    why: str
    """Reason in words that follow "waiting for a slot: "."""
    grace_s: float
    """Seconds that attempts may take to save; 0 kills them."""


class Gone(Message, frozen=True):
    """Agent to bridge, its last letter: no attempt of it is there any more."""

    problem: str | None = None
    """Reason why it could not go on; None where it was told to leave."""


class Told(Message, frozen=True):
    """Agent or bridge to coordinator: a line for the user."""

    text: str


class OpenBridge(Message, frozen=True):
    """Coordinator to bridge, first of all: where agents come from, and what they are to be."""

    engine: str
    """Name of the engine."""
    options: dict[str, Any]
    """Options of the engine, as it knows them."""
    name: str
    """Name by which the allocations of the study are found again."""
    agents: str
    """Folder of the agents' files on the disk of the study."""
    roster: str
    """File that tells who works on what."""
    cpus: int
    """Cores of one allocation."""
    gpus: int
    """GPUs of one allocation."""
    memory_bytes: int | None
    """Memory of one allocation; None for what the engine gives."""
    nodes: int = 1
    """Machines of one allocation, each with as much."""
    shares_disk: bool = False
    """Whether that disk is one that is made for several machines."""
    within: str | None = None
    """Job whose nodes are theirs; None where each is given one of its own."""


class WantAgents(Message, frozen=True):
    """Coordinator to bridge: so many agents are to be there."""

    count: int


class Dismiss(Message, frozen=True):
    """Coordinator to bridge: let all agents leave, give everything back, and end."""


class BridgeFailed(Message, frozen=True):
    """Bridge to coordinator, its last words: there will be no agents."""

    problem: str
    """Reason and remedy in one line."""
