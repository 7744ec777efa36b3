"""When the next agent is asked for after losses."""

from __future__ import annotations

from search.executors.remote.backoff import EARLY_S, MOST_LOSSES, Backoff


def lose(
    backoff: Backoff, node: str, lived_s: float, now: float, *, has_done_work: bool = False
) -> None:
    backoff.note_loss(node, lived_s, now, has_done_work=has_done_work)


def test_waits_get_longer_and_end_with_the_first_agent_that_works() -> None:
    backoff = Backoff()
    backoff.note_work()
    assert backoff.may_ask(0.0)
    lose(backoff, "n1", 1.0, 100.0)
    assert not backoff.may_ask(101.9) and backoff.may_ask(102.0)
    lose(backoff, "n2", 1.0, 102.0)
    assert not backoff.may_ask(105.9) and backoff.may_ask(106.0)
    backoff.note_work()
    lose(backoff, "n3", 1.0, 200.0)
    assert backoff.may_ask(202.0)


def test_an_agent_that_worked_for_long_says_nothing_against_its_node() -> None:
    backoff = Backoff()
    for _ in range(20):
        lose(backoff, "n1", EARLY_S + 1.0, 0.0)
    assert backoff.may_ask(0.0)
    assert backoff.excluded == []
    assert not backoff.gives_up


def test_a_node_that_kills_three_agents_gets_no_fourth() -> None:
    backoff = Backoff()
    backoff.note_work()
    for _ in range(2):
        lose(backoff, "n2", 1.0, 0.0)
        backoff.note_work()
    assert backoff.excluded == []
    lose(backoff, "n2", 1.0, 0.0)
    lose(backoff, "n1", 1.0, 0.0)
    assert backoff.excluded == ["n2"]


def test_agents_that_have_done_work_are_lost_without_a_wait_and_without_their_node() -> None:
    """As on machines that others may take back at any time."""
    backoff = Backoff()
    backoff.note_work()
    for _ in range(8):
        lose(backoff, "n1", 1.0, 0.0)
        lose(backoff, "n1", 1.0, 0.0, has_done_work=True)
        backoff.note_work()
    for _ in range(20):
        lose(backoff, "n2", 1.0, 100.0, has_done_work=True)
    assert backoff.excluded == []
    assert backoff.may_ask(100.0) and not backoff.gives_up


def test_the_third_agent_of_a_study_is_not_on_the_node_that_ended_the_first_two() -> None:
    backoff = Backoff()
    for _ in range(2):
        lose(backoff, "n1", 1.0, 0.0)
    assert backoff.excluded == ["n1"]
    assert not backoff.gives_up
    # and stays out once others work
    backoff.note_work()
    assert backoff.excluded == ["n1"]


def test_gives_up_soon_where_no_agent_ever_worked_and_late_where_some_did() -> None:
    never, once = Backoff(), Backoff()
    once.note_work()
    for backoff in (never, once):
        for _ in range(MOST_LOSSES):
            lose(backoff, "", 0.0, 0.0)
    assert never.gives_up
    assert not once.gives_up
    for _ in range(20):
        lose(once, "", 0.0, 0.0)
    assert once.gives_up
