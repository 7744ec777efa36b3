"""The machines that a study runs on elsewhere, as its bridge tells: who works on what."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from search.errors import StorageError
from search.layout import StudyFolder
from search.store.attributes import NONSENSE, checked
from search.store.lock import is_held

_OF_A_TRIAL = re.compile(r"([a-z]+)-(\d+)-\d+")
_FIT = "fit"
_QUESTION = re.compile(r"search-([a-z]+)-.*")


@dataclass(frozen=True)
class NodeWork:
    """An attempt at work."""

    attempt: str
    """Its name."""
    since: datetime
    """Time of its start."""

    @property
    def trial(self) -> int | None:
        """Number of its trial; None for the check of the study file."""
        found = _OF_A_TRIAL.fullmatch(self.attempt)
        return int(found[2]) if found is not None else None

    @property
    def task(self) -> str:
        """Task of the attempt; `fit` trains a trial."""
        found = _OF_A_TRIAL.fullmatch(self.attempt) or _QUESTION.fullmatch(self.attempt)
        return found[1] if found is not None else self.attempt

    @property
    def in_words(self) -> str:
        """The work in a word or two."""
        if self.trial is None:
            return self.task
        return f"trial {self.trial}" if self.task == _FIT else f"{self.task} of trial {self.trial}"


@dataclass(frozen=True)
class NodeAgent:
    """An agent of a study, in an allocation of its own."""

    name: str
    """The engine's name of the allocation."""
    node: str
    """Machine; empty before it has one."""
    state: str
    """pending, starting, ready, closing or lost."""
    why: str
    """Reason of the state, in the engine's word; empty where it has none."""
    since: datetime
    """Beginning of the state."""
    ends: datetime | None
    """Time at which the engine takes it back; None without a limit, or before it runs."""
    slots: int
    """Trials that it has room for; 0 before it is ready."""
    work: tuple[NodeWork, ...]
    """Attempts at work."""


@dataclass(frozen=True)
class ClusterNodes:
    """The agents of a study that runs on a cluster."""

    engine: str
    """Name of the engine."""
    written: datetime
    """Time at which this was so."""
    agents: tuple[NodeAgent, ...]
    """Agents, in the order in which they were asked for."""


def read_nodes(folder: StudyFolder) -> ClusterNodes | None:
    """The agents of a study; None where its last run was on one machine.

    Raises:
        StorageError: the file is damaged.
    """
    try:
        text = folder.nodes.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return _nodes_in(json.loads(text))
    except (*NONSENSE, RecursionError) as error:
        raise StorageError(
            f"{folder.nodes}: is damaged. Remove it; a run on a cluster writes it anew."
        ) from error


def is_running(folder: StudyFolder) -> bool:
    """True where a run of the study is on."""
    return is_held(folder.lock)


def _nodes_in(tree: Any) -> ClusterNodes:
    agents = checked(tree["agents"], list)
    return ClusterNodes(
        engine=checked(tree["engine"], str),
        written=_time(tree["written"]),
        agents=tuple(_agent_in(each) for each in agents),
    )


def _agent_in(tree: Any) -> NodeAgent:
    return NodeAgent(
        name=checked(tree["name"], str),
        node=checked(tree["node"], str),
        state=checked(tree["state"], str),
        why=checked(tree["why"], str),
        since=_time(tree["since"]),
        ends=None if tree["ends"] is None else _time(tree["ends"]),
        slots=checked(tree["slots"], int),
        work=tuple(
            NodeWork(checked(each["attempt"], str), _time(each["since"]))
            for each in checked(tree["attempts"], list)
        ),
    )


def _time(text: object) -> datetime:
    time = datetime.fromisoformat(checked(text, str))
    if time.tzinfo is None:
        raise ValueError(f"a time without its zone: {text}")
    return time
