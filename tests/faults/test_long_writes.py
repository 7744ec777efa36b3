"""Every single call by which the coordinator changes a file: it fails, or the process dies in it.

The command runs whole but for the training, forked from a warm process, which makes thousands of
cases affordable. `test_long_attempts.py` does the same to attempts that train.
"""

from __future__ import annotations

import itertools
import re
import shutil
from pathlib import Path

import pytest
from conftest import Project
from faults.counts import SHARE
from faults.failing import ACTIONS, COORDINATOR, Ended, Plan, WarmCommand
from faults.half_written import TRIALS, killed_before_its_database
from faults.invariant import check_invariant
from faults.table import RowWriter

from search.layout import StudyFolder

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

# every how many calls; 1 is all of them
STRIDE = round(1 / SHARE)


def assert_told(action: str, ended: Ended) -> None:
    """What the user sees of it: nothing of a kill, one clear line of a failure, or no harm."""
    if ended.status == -9:
        assert action in ("killed", "torn")
    elif ended.status == 0:
        assert ended.output == ""
    else:
        assert ended.status == 2, ended.output
        (line,) = ended.output.splitlines()
        assert re.search("cannot be (written|opened|read)", line)
        assert line.isprintable()


def assert_next_start_heals(project: Project, command: WarmCommand) -> None:
    ended = command.run("run", "study.yaml", "--quiet")
    assert ended == Ended(0, "")
    check_invariant(project, asked=TRIALS)
    assert project.states() == ["COMPLETE"] * TRIALS


def sweep(
    project: Project, plan: Plan, command: WarmCommand, action: str, before: Path | None = None
) -> list[str]:
    """One case for each call until a run is clean; the calls.

    Args:
        before: what the studies are at the beginning of each case.
    """
    studies = project.root / "studies"
    calls: list[str] = []
    for at in itertools.count(1, STRIDE):
        shutil.rmtree(studies, ignore_errors=True)
        if before is not None:
            shutil.copytree(before, studies)
        plan.arm(action, role=COORDINATOR, at=at)
        ended = command.run("run", "study.yaml", "--quiet")
        met = plan.met
        plan.arm(None, role=COORDINATOR, at=0)
        if not met:
            assert ended == Ended(0, "")
            break
        if action == "torn" and not met[0].startswith("write"):
            continue  # only a write can be done by half; the others are those of "killed"
        calls += met
        print(f"call {at}, {met[0]}: {ended}")  # shown when what follows fails
        assert_told(action, ended)
        if StudyFolder(studies / "study").study_file.exists():
            check_invariant(project, output=ended.output, cut_off=True)
        assert_next_start_heals(project, command)
    return calls


def points(calls: list[str]) -> int:
    """How many kinds of call there are, on how many kinds of file."""
    return len({re.sub(r"[0-9]+", "#", call) for call in calls})


@pytest.mark.parametrize("action", ACTIONS)
def test_nothing_is_lost_to_a_fault_in_any_call_of_a_run(
    project: Project, plan: Plan, command: WarmCommand, row: RowWriter, action: str
) -> None:
    project.study(budget={"trials": TRIALS}, sampler="random")
    calls = sweep(project, plan, command, action)
    row(
        f"{action} in the n-th call of the coordinator that changes a file, n = 1, 2, ... "
        "until a run is clean",
        f"{len(calls)} calls at {points(calls)} named points, 0 lost",
    )


@pytest.mark.parametrize("action", ACTIONS)
def test_nothing_is_lost_to_a_fault_in_any_call_of_a_start_that_heals(
    project: Project, plan: Plan, command: WarmCommand, row: RowWriter, action: str
) -> None:
    before = killed_before_its_database(project, plan, command).rename(project.root / "before")
    calls = sweep(project, plan, command, action, before)
    row(
        f"{action} in the n-th call of a start that heals, n = 1, 2, ...",
        f"{len(calls)} calls at {points(calls)} named points, 0 lost",
    )
