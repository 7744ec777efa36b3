"""A fault while a database that is behind its events is written anew."""

from __future__ import annotations

import shutil

import pytest
from conftest import Project
from faults.failing import COORDINATOR, Ended, Plan, WarmCommand
from faults.half_written import TRIALS, killed_before_its_database
from faults.invariant import check_invariant

pytestmark = pytest.mark.real


@pytest.fixture
def calls(project: Project, plan: Plan, command: WarmCommand) -> list[str]:
    """The calls of a start that writes the database anew, which is yet to come."""
    studies = killed_before_its_database(project, plan, command)
    before = shutil.copytree(studies, project.root / "before")
    plan.arm(None, role=COORDINATOR, at=0)
    assert command.run("run", "study.yaml", "--quiet") == Ended(0, "")
    shutil.rmtree(studies)
    before.rename(studies)
    return plan.calls


def heals(project: Project, plan: Plan, command: WarmCommand) -> None:
    plan.arm(None, role=COORDINATOR, at=0)
    assert command.run("run", "study.yaml", "--quiet") == Ended(0, "")
    check_invariant(project, asked=TRIALS)


@pytest.mark.parametrize("action", ["ENOSPC", "EIO"])
def test_log_that_cannot_be_brought_into_the_database_is_told(
    project: Project, plan: Plan, command: WarmCommand, calls: list[str], action: str
) -> None:
    syncs = [n for n, call in enumerate(calls, 1) if call.endswith(".study.db.rebuilt-wal")]
    at = max(n for n in syncs if calls[n - 1].startswith("fdatasync"))
    plan.arm(action, role=COORDINATOR, at=at)
    ended = command.run("run", "study.yaml", "--quiet")
    assert ended.status == 2, ended.output
    assert "study.db: cannot be written" in ended.output
    heals(project, plan, command)


def test_study_that_is_killed_there_has_a_database_at_any_moment(
    project: Project, plan: Plan, command: WarmCommand, calls: list[str]
) -> None:
    at = max(n for n, call in enumerate(calls, 1) if call == "rename study/study.db")
    plan.arm("killed", role=COORDINATOR, at=at)
    assert command.run("run", "study.yaml", "--quiet").status == -9
    assert len(project.states()) == TRIALS
    heals(project, plan, command)
