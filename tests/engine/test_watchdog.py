"""The limit of silence that an attempt's own pace sets, and what the end of a process means."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from search.engine.attempt_end import ProcessEnd, outcome_of
from search.engine.running_attempts import Running
from search.engine.smaller_batch import MicroBatch, halved
from search.engine.watchdog import BEFORE_FIRST_SIGN_S, FACTOR, SHORTEST_LIMIT_S, Pace
from search.executors.processes import is_stopped
from search.layout import TrialFolder
from search.messages import DONE, ERROR, HUNG, INTERRUPTED, KILLED, LOST, OOM, Ended
from search.study_file.micro_batches import UsableSizes


def paced(*times: float) -> Pace:
    pace = Pace(0.0)
    for time in times:
        pace.sign(time)
    return pace


def test_quick_steps_leave_the_shortest_limit() -> None:
    pace = paced(1, 2, 3)
    assert pace.limit_s == SHORTEST_LIMIT_S
    assert not pace.is_hung(3 + SHORTEST_LIMIT_S)
    assert pace.is_hung(4 + SHORTEST_LIMIT_S)


def test_slow_steps_give_a_long_limit() -> None:
    pace = paced(10, 110, 210)
    assert pace.limit_s == FACTOR * 100
    assert not pace.is_hung(210 + FACTOR * 100)
    assert pace.is_hung(211 + FACTOR * 100)


def test_time_before_the_first_steps_is_not_taken_for_pace() -> None:
    assert paced(3000).limit_s == BEFORE_FIRST_SIGN_S
    assert paced(3000, 3001, 3002).limit_s == SHORTEST_LIMIT_S


def test_work_of_a_script_between_its_loops_is_no_silence_and_no_pace() -> None:
    pace = paced(1, 2, 3)
    pace.end_loop()
    assert not pace.is_hung(1_000_000)
    pace.sign(1_000_000)
    pace.sign(1_000_001)
    assert pace.limit_s == SHORTEST_LIMIT_S
    assert pace.is_hung(1_000_002 + SHORTEST_LIMIT_S)


def test_absence_of_the_listener_is_forgiven() -> None:
    pace = paced(1, 2)
    pace.forgive(50_000)
    assert not pace.is_hung(50_010)


GONE = "node n2 was lost: no word for 30 s"


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "300"]) as process:
        yield process
        process.kill()


def test_time_in_which_an_attempt_is_stopped_is_forgiven(
    process: subprocess.Popen[bytes], wait_for: Callable[..., Any]
) -> None:
    began = monotonic()
    running = Running(0, 0, "fit", TrialFolder(Path()), pid=process.pid)
    running.look(began + 4)
    assert running.pace.is_hung(began + BEFORE_FIRST_SIGN_S + 2)
    process.send_signal(signal.SIGSTOP)
    wait_for(lambda: is_stopped(process.pid), "the stop")
    running.look(began + 8)
    process.send_signal(signal.SIGCONT)
    wait_for(lambda: not is_stopped(process.pid), "the end of the stop")
    running.look(began + 12)
    assert not running.pace.is_hung(began + BEFORE_FIRST_SIGN_S + 2)
    assert running.pace.is_hung(began + BEFORE_FIRST_SIGN_S + 6)


@pytest.mark.parametrize(
    ("ending", "cause", "message"),
    [
        (ProcessEnd(Ended(DONE, 0.5), 0), DONE, None),
        (ProcessEnd(Ended(INTERRUPTED), 1), KILLED, None),
        (ProcessEnd(Ended(INTERRUPTED), 1, is_stopping=True), INTERRUPTED, None),
        (ProcessEnd(None, -9), KILLED, "killed by SIGKILL"),
        (ProcessEnd(None, -15), KILLED, "killed by SIGTERM"),
        (ProcessEnd(None, -15, is_stopping=True), INTERRUPTED, "killed by SIGTERM"),
        (ProcessEnd(Ended(KILLED), 1, is_stopping=True), INTERRUPTED, None),
        (
            ProcessEnd(None, -9, memory_ran_out=True),
            OOM,
            "killed by the kernel: the memory of the machine ran out",
        ),
        (
            ProcessEnd(None, -9, HUNG, "no step for 700 s", memory_ran_out=True),
            HUNG,
            "no step for 700 s",
        ),
        (
            ProcessEnd(None, -9, INTERRUPTED, is_stopping=True),
            INTERRUPTED,
            "ended before its checkpoint was written",
        ),
        (ProcessEnd(None, 7), ERROR, "its process ended with status 7"),
        (ProcessEnd(None, -9, lost=GONE), LOST, GONE),
        (ProcessEnd(None, -9, memory_ran_out=True, lost=GONE), LOST, GONE),
        (ProcessEnd(Ended(KILLED, message="SIGTERM"), 1, lost=GONE), LOST, GONE),
        (ProcessEnd(Ended(ERROR, message="rank 1 is gone"), 1, lost=GONE), LOST, GONE),
        (ProcessEnd(Ended(DONE, 0.5), 0, lost=GONE), DONE, None),
        (ProcessEnd(None, -9, HUNG, "no step for 700 s", lost=GONE), HUNG, "no step for 700 s"),
        (ProcessEnd(None, -9, is_stopping=True, lost=GONE), INTERRUPTED, GONE),
    ],
)
def test_every_way_a_process_ends_has_its_cause(
    ending: ProcessEnd, cause: str, message: str | None
) -> None:
    outcome = outcome_of(ending)
    assert (outcome.cause, outcome.message) == (cause, message)


@pytest.mark.parametrize(
    ("batch", "smaller"),
    [
        (MicroBatch(32, 1), MicroBatch(16, 2)),
        (MicroBatch(16, 3), MicroBatch(8, 6)),
        (MicroBatch(7, 2), MicroBatch(2, 7)),
        (MicroBatch(3, 1), MicroBatch(1, 3)),
        (MicroBatch(1, 8), None),
    ],
)
def test_halved_batch_has_the_same_effective_size(
    batch: MicroBatch, smaller: MicroBatch | None
) -> None:
    assert halved(batch, UsableSizes()) == smaller
