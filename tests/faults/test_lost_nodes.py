"""Nodes that go at random moments under a study: lost, or taken back with a word of warning.

The nodes are pretended, the coordinator and all that it writes are real.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from database_state import disagreements
from engine.pretended import OneAttempt, made
from faults.table import RowWriter

from search.layout import StudyFolder, TrialFolder
from search.messages import (
    DONE,
    INTERRUPTED,
    Ended,
    Exited,
    Launched,
    Leaving,
    Message,
    Reported,
    Slot,
    SlotClosed,
    SlotClosing,
    SlotOpened,
    Verdict,
)
from search.store.reading import read_study

NODES, SLOTS, TRIALS, REPORTS = 8, 8, 200, 10
GONE = "node was lost: no word for 30 s"


@dataclass
class Attempt:
    """A process on a node: reports, waits for the verdict, saves, and so on to its end."""

    trial: str
    slot: str
    step: int
    waits: bool = False
    is_told_to_end: bool = False


class Nodes(OneAttempt):
    """An executor of nodes that go and come back; checks what it is asked for."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = random.Random(seed)
        self._free: set[str] = set()
        self._taken: set[str] = set()
        # by node, the polls after which its slots are closed, and those after which they open
        self._closing: dict[str, int] = {}
        self._away: dict[str, int] = {}
        self._attempts: dict[str, Attempt] = {}
        # by trial, the last step of its checkpoint
        self._saved: Counter[str] = Counter()
        self.went: Counter[str] = Counter()

    def need_slots(self, count: int) -> None: ...

    def open_slots(self, wanted: Sequence[Slot]) -> None:
        for node in range(NODES):
            self._open(f"n{node}")

    def _open(self, node: str) -> None:
        for place in range(SLOTS):
            self._free.add(f"{node} {place}")
            self._said.append((f"{node} {place}", SlotOpened(Slot(1, agent=node))))

    def start(self, attempt: str, task: str, folder: TrialFolder, slot: Slot) -> None:
        trial = folder.root.name
        # a slot of this node that is free and stays
        name = next(each for each in sorted(self._free) if each.startswith(f"{slot.agent} "))
        assert slot.agent not in self._closing, f"{attempt} was started in a slot that closes"
        assert all(each.trial != trial for each in self._attempts.values()), f"{trial} runs twice"
        self._free.remove(name)
        self._taken.add(name)
        self._attempts[attempt] = Attempt(trial, name, self._saved[trial])
        self._said.append((attempt, Launched(attempt, 7, node=slot.agent, boot_id="b")))

    def send(self, attempt: str, message: Message) -> None:
        at_work = self._attempts.get(attempt)
        if at_work is not None and isinstance(message, Verdict):
            self._saved[at_work.trial] = at_work.step
            at_work.waits = False

    def poll(self, timeout_s: float) -> list[tuple[str, Message]]:
        for attempt, at_work in list(self._attempts.items()):
            self._go_on(attempt, at_work)
        self._come_and_go()
        said, self._said = self._said, []
        return said

    def _go_on(self, attempt: str, at_work: Attempt) -> None:
        if at_work.waits or self._random.random() < 0.8:
            return
        if at_work.is_told_to_end:
            words = self._random.choice([[Ended(INTERRUPTED)], []])
            self._end(attempt, [*words, Exited(attempt, -15)])
        elif at_work.step == REPORTS:
            self._end(attempt, [Ended(DONE, 0.1), Leaving(0), Exited(attempt, 0)])
        elif self._random.random() < 0.005:
            self._end(attempt, [Exited(attempt, -9)])
        else:
            at_work.step, at_work.waits = at_work.step + 1, True
            report = Reported(at_work.step, at_work.step, 1 / at_work.step)
            self._said.append((attempt, report))

    def _end(self, attempt: str, words: Sequence[Message]) -> None:
        slot = self._attempts.pop(attempt).slot
        self._taken.remove(slot)
        if slot.split()[0] not in self._closing:
            self._free.add(slot)
        self._said += [(attempt, each) for each in words]

    def _come_and_go(self) -> None:
        for node in [f"n{each}" for each in range(NODES)]:
            if node in self._away:
                self._away[node] -= 1
                if self._away[node] == 0:
                    del self._away[node]
                    self._open(node)
            elif node in self._closing:
                self._closing[node] -= 1
                if self._closing[node] == 0:
                    self._lose(node, "its job is over")
            elif self._random.random() < 0.01:
                self.went["lost"] += 1
                self._lose(node, GONE)
            elif self._random.random() < 0.004:
                self.went["closed"] += 1
                self._close(node)

    def _close(self, node: str) -> None:
        self._closing[node] = 20
        self._free -= set(_slots_of(node))
        self._said += [(slot, SlotClosing("its job is nearly over")) for slot in _slots_of(node)]
        for at_work in self._attempts.values():
            at_work.is_told_to_end |= at_work.slot in _slots_of(node)

    def _lose(self, node: str, why: str) -> None:
        """Let a node go, with the last words of its attempts or without."""
        slots = _slots_of(node)
        for attempt, at_work in list(self._attempts.items()):
            if at_work.slot in slots:
                self._end(attempt, [Exited(attempt, -9, lost=why)])
        self._free -= set(slots)
        self._closing.pop(node, None)
        self._said += [(slot, SlotClosed(why)) for slot in slots]
        self._away[node] = 10


def _slots_of(node: str) -> list[str]:
    return [f"{node} {place}" for place in range(SLOTS)]


def test_no_trial_is_lost_with_its_node(tmp_path: Path, row: RowWriter) -> None:
    folder, nodes = StudyFolder(tmp_path / "study"), Nodes(seed=1)
    coordinator = made(folder, nodes, asked=TRIALS, slots=NODES * SLOTS)
    assert coordinator.run() == "finished"
    trials = read_study(folder).trials
    assert [trial.state for trial in trials] == ["COMPLETE"] * TRIALS
    assert all(list(trial.curve) == list(range(1, REPORTS + 1)) for trial in trials)
    causes = Counter(each.cause for trial in trials for each in trial.attempts)
    assert set(causes) == {"done", "lost", "interrupted", "killed"}
    assert causes["done"] == TRIALS
    assert not disagreements(folder)
    lost, closed = nodes.went["lost"], nodes.went["closed"]
    row(
        "8 pretended nodes, lost or taken back at random moments under 64 attempts",
        f"{lost + closed}, {TRIALS} of {TRIALS} trials, {TRIALS * REPORTS} of "
        f"{TRIALS * REPORTS} reports",
    )
