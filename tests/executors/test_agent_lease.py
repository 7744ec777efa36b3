"""Whatever happens to the words between bridge and agent, no two believe to have one trial."""

from __future__ import annotations

import random

from search.executors.lease import LEASE_S
from search.executors.remote.agent_lease import FIRST_WORD_S, AgentLease, is_certainly_over


def test_an_agent_that_nobody_speaks_to_leaves() -> None:
    lease = AgentLease(1000.0)
    assert not lease.is_over(1000.0 + FIRST_WORD_S)
    assert lease.is_over(1001.0 + FIRST_WORD_S)


def test_a_lease_counts_from_the_time_that_came_back_not_from_when_it_came() -> None:
    lease = AgentLease(1000.0)
    lease.hear(1000.0)
    # said at 1002, but under way until 1029
    lease.hear(1002.0)
    assert not lease.is_over(1001.0 + LEASE_S)
    assert lease.is_over(1003.0 + LEASE_S)


def test_an_older_word_takes_nothing_back() -> None:
    lease = AgentLease(0.0)
    lease.hear(20.0)
    lease.hear(10.0)
    assert not lease.is_over(19.0 + LEASE_S)


def test_the_bridge_gives_up_only_after_the_agent_has() -> None:
    """A cable that delays every word by up to 40 s, clocks that began at other times, and an agent
    that sleeps now and then."""
    for seed in range(50):
        chance = random.Random(seed)
        lease, skew = AgentLease(0.0), chance.uniform(-1e6, 1e6)
        to_bridge: list[tuple[float, float]] = []
        to_agent: list[tuple[float, float]] = [(0.0, 0.0)]
        heard_at, heard_clock = 0.0, 0.0
        given_up = False
        for step in range(2000):
            now = 0.1 * step
            for word in [each for each in to_bridge if each[0] <= now]:
                to_bridge.remove(word)
                heard_at, heard_clock = now, max(heard_clock, word[1])
            # the bridge, whose clock differs from the agent's
            given_up = given_up or is_certainly_over(heard_at + skew, now + skew)
            if step % 50 == 0 and not given_up:
                to_agent.append((now + chance.uniform(0.0, 40.0), heard_clock))
            if not lease.is_over(now):
                for word in [each for each in to_agent if each[0] <= now]:
                    to_agent.remove(word)
                    lease.hear(word[1])
                    to_bridge.append((now + chance.uniform(0.0, 40.0), now))
            assert not (given_up and not lease.is_over(now)), f"seed {seed}, at {now:.1f} s"
