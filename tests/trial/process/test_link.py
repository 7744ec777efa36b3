"""The attempt's end of the channel, against the coordinator's."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from channel_end import Coordinator

from search.messages import Reported, Verdict
from search.trial.process.link import ChannelLink

# what a link opens, its process closes by ending
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The process groups that a link would have killed."""
    groups: list[int] = []
    monkeypatch.setattr(
        "search.trial.process.link.os.killpg", lambda group, number: groups.append(group)
    )
    return groups


@pytest.fixture
def coordinator(killed: list[int]) -> Iterator[Coordinator]:
    coordinator = Coordinator()
    yield coordinator
    if not killed:
        end(coordinator)


def end(coordinator: Coordinator) -> None:
    """Let the coordinator go, and the links see it while nothing is killed."""
    coordinator.channel.close()
    for thread in threading.enumerate():
        if thread.name == "channel":
            thread.join(5)


def linked(coordinator: Coordinator) -> ChannelLink:
    link = ChannelLink(coordinator.channel.address, coordinator.channel.admit("fit-0"))
    assert coordinator.heard() == []
    return link


def test_report_waits_for_its_verdict_where_a_pruner_judges(coordinator: Coordinator) -> None:
    link = linked(coordinator)
    for step, prune in ((1, False), (2, True)):
        coordinator.channel.send("fit-0", Verdict(step, prune))
        assert link.ask(Reported(step, step, 0.5)) == Verdict(step, prune)


def test_report_that_nobody_judges_waits_only_for_a_checkpoint(coordinator: Coordinator) -> None:
    link = linked(coordinator)
    coordinator.channel.send("fit-0", Verdict(1, prune=False, is_judged=False))
    assert not link.ask(Reported(1, 1, 0.5)).prune
    assert not link.ask(Reported(2, 2, 0.5)).prune
    assert not link.ask(Reported(3, 3, 0.5)).prune
    assert [message.step for _, message in coordinator.heard()] == [1, 2, 3]
    settled = threading.Thread(target=link.settle)
    settled.start()
    coordinator.channel.send("fit-0", Verdict(2, prune=False, is_judged=False))
    settled.join(0.2)
    assert settled.is_alive(), "a report is not written yet"
    coordinator.channel.send("fit-0", Verdict(3, prune=False, is_judged=False))
    settled.join(5)
    assert not settled.is_alive()


def test_attempt_dies_with_a_coordinator_that_has_not_read_its_report(
    coordinator: Coordinator, killed: list[int]
) -> None:
    link = linked(coordinator)
    coordinator.channel.send("fit-0", Verdict(1, prune=False, is_judged=False))
    link.ask(Reported(1, 1, 0.5))
    end(coordinator)
    assert killed == [0]
