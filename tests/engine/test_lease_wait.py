"""What is waited for on other machines before a study goes on whose coordinator has died."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from search.engine.lease_wait import LeaseWait
from search.errors import Interrupted
from search.executors.lease import LEASE_S
from search.layout import StudyFolder

WHOLE_S = LEASE_S + 3
NOON = "2026-11-27T12:00:00+00:00"


class Clock:
    """A clock that goes on only where somebody waits; `at` happens once it shows so much."""

    def __init__(self) -> None:
        self.now = 0.0
        self.at: dict[float, Callable[[], None]] = {}
        self.notes: list[str] = []
        self.ticks = 0

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for time in [each for each in self.at if each <= self.now]:
            self.at.pop(time)()

    def tick(self) -> None:
        self.ticks += 1


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    folder = StudyFolder(tmp_path / "study")
    folder.root.mkdir()
    # as the start that waits has just signed it
    folder.lock.write_text("1\n")
    return folder


def wait_in(folder: StudyFolder, clock: Clock) -> LeaseWait:
    return LeaseWait(
        folder, clock.tick, clock.notes.append, clock=lambda: clock.now, sleep=clock.sleep
    )


def agent(node: str, *attempts: str, state: str = "ready") -> dict[str, Any]:
    work = [{"attempt": each, "since": NOON} for each in attempts]
    more = {"why": "", "since": NOON, "ends": None, "slots": 1}
    return {"name": "17", "node": node, "state": state, "attempts": work, **more}


def write_roster(folder: StudyFolder, *agents: dict[str, Any], age_s: float = 0.0) -> None:
    tree = {"engine": "slurm", "written": NOON, "agents": agents}
    folder.nodes.write_text(json.dumps(tree))
    written = folder.lock.stat().st_mtime - age_s
    os.utime(folder.nodes, (written, written))


def test_agents_of_a_bridge_that_died_have_their_whole_lease(
    folder: StudyFolder, clock: Clock
) -> None:
    write_roster(folder, agent("n2", "fit-7-3"), agent("n3", state="pending"))
    wait_in(folder, clock).for_agents()
    assert clock.notes == ["waiting up to 33 s until node n2 has certainly ended trial 7"]
    assert clock.now == pytest.approx(WHOLE_S, abs=0.5)
    # signals and view are looked after meanwhile
    assert clock.ticks > WHOLE_S


def test_wait_is_over_once_the_bridge_tells_that_agents_have_ended(
    folder: StudyFolder, clock: Clock
) -> None:
    write_roster(folder, agent("n2", "fit-7-3", "fit-1-4"), agent("n1", "probe-2-9"))
    clock.at[1.0] = lambda: write_roster(folder)
    wait_in(folder, clock).for_agents()
    assert clock.notes == [
        "waiting up to 33 s until nodes n1 and n2 have certainly ended trials 1, 2 and 7"
    ]
    assert clock.now == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("agents", "age_s"),
    [
        ([], 0.0),
        # no agent that could have begun a trial
        ([agent("", state="pending"), agent("n2", state="starting")], 0.0),
        ([agent("n2", "fit-7-3")], 11 * LEASE_S),
    ],
)
def test_nothing_is_waited_for_where_nothing_can_be_left(
    folder: StudyFolder, clock: Clock, agents: list[dict[str, Any]], age_s: float
) -> None:
    write_roster(folder, *agents, age_s=age_s)
    wait = wait_in(folder, clock)
    wait.for_agents()
    # the bridge knew better than the events
    wait.for_trials({7: "n2"})
    assert (clock.now, clock.notes) == (0.0, [])


def test_clocks_that_differ_by_seconds_shorten_no_wait(folder: StudyFolder, clock: Clock) -> None:
    write_roster(folder, agent("n2", "search-check-abc-1"), age_s=2 * LEASE_S)
    wait_in(folder, clock).for_agents()
    assert clock.notes == ["waiting up to 33 s until node n2 has certainly ended its trials"]
    assert clock.now == pytest.approx(WHOLE_S, abs=0.5)


@pytest.mark.parametrize("text", [None, "{", '{"agents": [{"state": "ready"}]}'])
def test_trials_elsewhere_are_waited_for_where_no_bridge_has_told(
    folder: StudyFolder, clock: Clock, text: str | None
) -> None:
    if text is not None:
        folder.nodes.write_text(text)
    wait = wait_in(folder, clock)
    wait.for_agents()
    wait.for_trials({})
    assert clock.now == 0.0
    clock.sleep(10)
    wait.for_trials({7: "n2", 9: "n2"})
    assert clock.notes == ["waiting up to 23 s until node n2 has certainly ended trials 7 and 9"]
    assert clock.now == pytest.approx(WHOLE_S, abs=0.5)


def test_signal_ends_the_wait(folder: StudyFolder, clock: Clock) -> None:
    def interrupt() -> None:
        raise Interrupted(2)

    write_roster(folder, agent("n2", "fit-7-3"))
    clock.at[5.0] = interrupt
    with pytest.raises(Interrupted):
        wait_in(folder, clock).for_agents()
    assert clock.now < 6
