"""The wait at a start until what an earlier run has left on other machines has certainly ended.

A coordinator that dies takes its bridge along, which tells all agents to end; one whose machine
lost its power tells nobody, and an agent goes on until its lease ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from search.errors import StorageError
from search.executors.lease import ENDED_S, LEASE_S
from search.layout import StudyFolder
from search.plain.formats import format_list
from search.store.cluster_nodes import read_nodes

# a bridge writes what it knows every ten seconds, however busy its coordinator is
_LONG_AGO_S = 10 * LEASE_S
_LOOK_S = 0.25
_MOST_NAMES = 5
# in any other state no agent has heard of an attempt
_AT_WORK = ("ready", "closing")


@dataclass(frozen=True)
class LeftAgents:
    """The agents that an earlier run may have left at work."""

    nodes: tuple[str, ...]
    """Their machines."""
    trials: tuple[int, ...]
    """Numbers of the trials that were known to be at work there."""


class LeaseWait:
    """Waits, if it has to, before a study is gone on with that this process has just locked.

    Args:
        tick: called while waiting; what it raises ends the wait.
        note: shows the user a line.
        clock: seconds on a monotonic clock.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        folder: StudyFolder,
        tick: Callable[[], None],
        note: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._folder = folder
        self._tick = tick
        self._note = note
        self._clock = clock
        self._sleep = sleep
        # whoever had the lock is dead by now
        self._until = clock() + ENDED_S
        self._knows_agents = left_agents(folder) is not None

    def for_agents(self) -> None:
        """Wait for the agents that the bridge of the earlier run has told of, which tells of their
        end where it lives long enough itself. To be called before another bridge is there."""
        left = left_agents(self._folder)
        if left is None or not left.nodes or self._is_long_ago():
            return
        self._tell(left.nodes, left.trials)
        while self._goes_on():
            left = left_agents(self._folder)
            if left is None or not left.nodes:
                return

    def for_trials(self, nodes: Mapping[int, str]) -> None:
        """Wait for trials whose attempts on other machines have no end, where no bridge has told
        of its agents.

        Args:
            nodes: machine of the attempt by the number of its trial.
        """
        if not nodes or self._knows_agents:
            return
        self._tell(list(nodes.values()), sorted(nodes))
        while self._goes_on():
            pass

    def _is_long_ago(self) -> bool:
        """Whether the bridge has been silent for so long that clocks do not matter: the lock was
        just written, and the same file system told the time of both."""
        silent_s = self._folder.lock.stat().st_mtime - self._folder.nodes.stat().st_mtime
        return silent_s > _LONG_AGO_S

    def _tell(self, nodes: Sequence[str], trials: Sequence[int]) -> None:
        names = sorted(set(nodes))
        have = f"node {names[0]} has"
        if len(names) > 1:
            have = f"nodes {format_list(names, _MOST_NAMES)} have"
        what = "its trials" if len(names) == 1 else "their trials"
        if trials:
            numbers = format_list([str(each) for each in trials], _MOST_NAMES)
            what = f"trial {numbers}" if len(trials) == 1 else f"trials {numbers}"
        left_s = max(0.0, self._until - self._clock())
        self._note(f"waiting up to {left_s:.0f} s until {have} certainly ended {what}")

    def _goes_on(self) -> bool:
        """Wait a moment; False once everything has ended."""
        self._tick()
        if self._clock() >= self._until:
            return False
        self._sleep(_LOOK_S)
        return True


def left_agents(folder: StudyFolder) -> LeftAgents | None:
    """The agents at work when the bridge of the last run wrote last; None where none has written,
    or the file is damaged."""
    try:
        nodes = read_nodes(folder)
    except StorageError:
        return None
    if nodes is None:
        return None
    at_work = [agent for agent in nodes.agents if agent.state in _AT_WORK]
    # that of a question has none, and no trial waits for it
    trials = {work.trial for agent in at_work for work in agent.work if work.trial is not None}
    return LeftAgents(tuple(agent.node or agent.name for agent in at_work), tuple(sorted(trials)))
