"""Ranks of one attempt on several machines, told as one: which words count, and when it ends."""

from __future__ import annotations

import signal

import pytest

from search.executors.remote.ranked_attempt import RankedAttempt
from search.messages import (
    DONE,
    ERROR,
    INTERRUPTED,
    KILLED,
    OOM,
    Ended,
    Exited,
    Leaving,
    Message,
    Reported,
)

NAME = "3"
REPORT = Reported(step=1, epoch=1, value=0.5)
BROKEN = Ended(ERROR, message="RuntimeError: Connection closed by peer")
FAILED = Ended(ERROR, message="ValueError")
NO_ROOM = Ended(OOM, message="CUDA")
KILLED_1 = "rank 1 was killed by SIGKILL"


def attempt() -> RankedAttempt:
    made = RankedAttempt(NAME, port=4711)
    made.begin([1])
    return made


def exit_of(rank: int, status: int, **facts: object) -> Exited:
    return Exited(f"{NAME}#{rank}" if rank else NAME, status, **facts)  # type: ignore[arg-type]


def told(made: RankedAttempt, *heard: tuple[int, Message]) -> list[Message]:
    """All that the coordinator is told of what ranks say."""
    said: list[Message] = []
    for rank, message in heard:
        for name, each in made.hear(rank, message, now=0.0):
            assert name == NAME
            said.append(each)
    return said


def test_first_rank_speaks_and_the_last_one_ends_it() -> None:
    done = Ended(DONE, value=0.5)
    made = attempt()
    assert told(made, (0, REPORT), (1, REPORT)) == [REPORT]
    assert told(made, (0, done), (0, Leaving(0)), (0, exit_of(0, 0))) == []
    assert told(made, (1, Ended(DONE)), (1, exit_of(1, 0))) == [done, exit_of(0, 0)]


@pytest.mark.parametrize(
    ("heard", "cause", "message"),
    [
        # the others of one that failed lose their connection to it
        ([(1, FAILED), (1, exit_of(1, 1)), (0, BROKEN), (0, exit_of(0, 1))], ERROR, "ValueError"),
        ([(0, FAILED), (1, BROKEN), (1, exit_of(1, 1)), (0, exit_of(0, 1))], ERROR, "ValueError"),
        # out of memory before anything else, however late its words arrive
        ([(0, BROKEN), (1, NO_ROOM), (0, exit_of(0, 1)), (1, exit_of(1, 1))], OOM, "CUDA"),
        ([(0, BROKEN), (0, exit_of(0, 1)), (1, exit_of(1, -9))], KILLED, KILLED_1),
    ],
)
def test_rank_that_failed_first_says_why(
    heard: list[tuple[int, Message]], cause: str, message: str
) -> None:
    said, end = told(attempt(), *heard)
    assert isinstance(said, Ended)
    assert (said.cause, said.message) == (cause, message)
    assert end == exit_of(0, 1)


def test_first_rank_that_was_killed_has_no_words_of_another() -> None:
    heard = [(0, exit_of(0, -9)), (1, BROKEN), (1, exit_of(1, 1))]
    assert told(attempt(), *heard) == [exit_of(0, -9)]


def test_memory_of_any_machine_counts() -> None:
    heard = [(1, exit_of(1, -9, memory_ran_out=True)), (0, BROKEN), (0, exit_of(0, 1))]
    (_, end) = told(attempt(), *heard)
    assert end == exit_of(0, 1, memory_ran_out=True)


def test_rank_that_hangs_is_killed_after_one_that_failed_and_not_called_killed() -> None:
    made = attempt()
    assert told(made, (1, FAILED), (1, exit_of(1, 1))) == []
    assert made.overdue(4.0) == []
    assert made.overdue(6.0) == [0]
    assert made.overdue(7.0) == []
    said, end = told(made, (0, exit_of(0, -9)))
    assert said == FAILED
    assert end == exit_of(0, -9)


def test_first_rank_may_take_its_time_after_the_others_were_told_to_stop() -> None:
    made = attempt()
    assert told(made, (1, Ended(INTERRUPTED)), (1, exit_of(1, 1))) == []
    assert made.overdue(100.0) == []


def test_lost_machine_is_told_with_the_end() -> None:
    made = attempt()
    assert told(made, (0, BROKEN), (0, exit_of(0, 1))) == []
    made.lose("node n2 was lost: silent for 20 s")
    said, end = told(made, (1, exit_of(1, -signal.SIGKILL)))
    # an error is what a rank says that lost another
    assert said is not None and isinstance(end, Exited)
    assert end.lost == "node n2 was lost: silent for 20 s"


def test_port_that_was_taken_is_a_loss() -> None:
    taken = "failed to listen. port: 4711, code: -98, name: EADDRINUSE"
    made = RankedAttempt(NAME, port=4711)
    _, end = told(made, (0, Ended(ERROR, message=taken)), (0, exit_of(0, 1)))
    assert isinstance(end, Exited)
    assert end.lost == "port 4711, at which its ranks were to meet, was taken"
    made = RankedAttempt(NAME, port=4712)
    _, end = told(made, (0, Ended(ERROR, message=taken)), (0, exit_of(0, 1)))
    assert isinstance(end, Exited)
    assert end.lost is None
