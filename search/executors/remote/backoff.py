"""When the next agent may be asked for, after some that did not live long."""

from __future__ import annotations

from collections import Counter

# an agent that lived longer did not die of its start
EARLY_S = 60.0
_LONGEST_S = 60.0
_LOSSES_OF_NODE = 3
# so that the third agent of a study tells a bad node from a study that no node can run
_FIRST_LOSSES_OF_NODE = 2
# without any agent that got as far as to open a slot
MOST_LOSSES = 3
# once agents have worked: other nodes may be well
_MOST_LATER = 10


class Backoff:
    """Waits 2, 4, ... 60 s after losses in a row, and leaves out nodes that had several."""

    def __init__(self) -> None:
        self._in_a_row = 0
        self._of_node: Counter[str] = Counter()
        self._excluded: set[str] = set()
        self._not_before = 0.0
        self.has_worked = False

    @property
    def excluded(self) -> list[str]:
        """Nodes that get no agent any more."""
        return sorted(self._excluded)

    @property
    def gives_up(self) -> bool:
        """Whether another agent would be no better."""
        return self._in_a_row >= (_MOST_LATER if self.has_worked else MOST_LOSSES)

    def may_ask(self, now: float) -> bool:
        """Whether another agent may be asked for."""
        return now >= self._not_before

    def note_work(self) -> None:
        """An agent has opened a slot."""
        self._in_a_row = 0
        self.has_worked = True

    def exclude(self, node: str) -> None:
        """Give a node no agent any more."""
        self._excluded.add(node)

    def note_loss(self, node: str, lived_s: float, now: float, *, has_done_work: bool) -> None:
        """An agent was lost, or none was given.

        Args:
            node: its machine; empty where it had none.
            lived_s: seconds since its start.
            has_done_work: an attempt there had ended by itself.
        """
        if has_done_work or lived_s > EARLY_S:
            # where machines are taken back at any time, that says nothing against this one
            self._of_node.pop(node, None)
            return
        self._in_a_row += 1
        self._not_before = now + min(_LONGEST_S, 2.0**self._in_a_row)
        self._of_node[node] += 1
        most = _LOSSES_OF_NODE if self.has_worked else _FIRST_LOSSES_OF_NODE
        if node and self._of_node[node] >= most:
            self.exclude(node)
