"""Another program locks the database of a study that runs: the study waits, and no trial ends."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from conftest import Project
from faults.invariant import check_invariant
from faults.table import RowWriter
from faults.test_kills import epochs, slow

LOCKS_S = (6, 1, 6)
# a user is told what the study waits for when it has waited for three seconds
SURELY_TOLD_S = 5
TRIALS, EPOCHS = 4, 5


def assert_locks_end_no_trial(
    project: Project, wait_for: Callable[..., Any], locks_s: Sequence[float]
) -> None:
    """Another connection holds the database once for each of the seconds, each in another trial."""
    path = project.study(
        model=slow(0.02), trainer=epochs(EPOCHS), budget={"trials": TRIALS}, sampler="random"
    )
    process = project.start("run", path)
    for number, seconds in enumerate(locks_s):
        wait_for(lambda number=number: project.epochs(number) >= 2, "two epochs")
        with closing(sqlite3.connect(project.root / "studies/study/study.db", timeout=30)) as other:
            other.execute("BEGIN EXCLUSIVE")
            time.sleep(seconds)
            other.rollback()
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    told = output.count("waiting until it is done")
    assert sum(seconds > SURELY_TOLD_S for seconds in locks_s) <= told <= len(locks_s)
    check_invariant(project, asked=TRIALS, output=output + errors)
    assert project.states() == ["COMPLETE"] * TRIALS
    assert [len(curve) for curve in project.curves().values()] == [EPOCHS] * TRIALS
    for number in range(TRIALS):
        kinds = [event["event"] for event in project.events(number)]
        assert kinds.count("attempt_started") == 1


def test_foreign_locks_delay_and_end_no_trial(
    project: Project, wait_for: Callable[..., Any], row: RowWriter
) -> None:
    assert_locks_end_no_trial(project, wait_for, LOCKS_S)
    row("another program locks the database", f"{', '.join(map(str, LOCKS_S))} s, 0 lost")
