"""Letters between bridge and agent over connections that break at any moment."""

from __future__ import annotations

import random

from search.agent_messages import Letter, Told
from search.executors.remote.letters import Inbox, Outbox, letter, opened
from search.messages import Stop, Verdict
from search.wire import decode


def test_a_message_comes_out_of_its_letter_as_it_went_in() -> None:
    sent = letter(Verdict(3, prune=True), agent="17", about="fit-0-1")
    assert (sent.agent, sent.about) == ("17", "fit-0-1")
    assert opened(sent) == Verdict(3, prune=True)


def test_each_letter_arrives_once_and_in_order_however_often_the_connection_breaks() -> None:
    chance = random.Random(1)
    outbox, inbox = Outbox(), Inbox()
    arrived: list[str] = []
    under_way: list[bytes] = []

    def deliver(lines: list[bytes]) -> None:
        for line in lines:
            read = decode(line)
            assert isinstance(read, Letter)
            if inbox.is_new(read):
                message = opened(read)
                assert isinstance(message, Told)
                arrived.append(message.text)

    for number in range(200):
        under_way.append(outbox.put(letter(Told(str(number)))))
        what = chance.choice(["wait", "arrive", "break", "answer"])
        if what == "arrive":
            deliver(under_way)
            under_way.clear()
        elif what == "break":
            # some of what was under way had arrived
            deliver(under_way[: chance.randrange(len(under_way) + 1)])
            outbox.acknowledge(inbox.received)
            under_way = outbox.lines()
        elif what == "answer":
            outbox.acknowledge(inbox.received)
    deliver(under_way)
    assert arrived == [str(number) for number in range(200)]


def test_letters_that_have_arrived_take_no_memory() -> None:
    outbox = Outbox()
    for _ in range(3):
        outbox.put(letter(Stop()))
    outbox.acknowledge(2)
    assert len(outbox.lines()) == 1


def test_other_side_that_begins_anew_is_told_from_a_connection_that_broke() -> None:
    outbox = Outbox()
    for _ in range(3):
        outbox.put(letter(Stop()))
    # nothing that it lacks is gone
    assert outbox.can_go_on_from(0)
    outbox.acknowledge(2)
    assert outbox.can_go_on_from(2)
    assert not outbox.can_go_on_from(0)
