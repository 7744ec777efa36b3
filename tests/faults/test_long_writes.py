"""Every single call by which the coordinator changes a file: it fails, or the process dies in it.

The command runs whole but for the training, forked from a warm process, which makes thousands of
cases affordable; `test_long_points.py` does the same to the real command at each kind of call.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Project
from faults.counts import SHARE
from faults.failing import ACTIONS, COORDINATOR, Ended, Plan, WarmCommand, built
from faults.invariant import SECRET, check_invariant

from search.study.layout import StudyFolder

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

# every how many calls; 1 is all of them
STRIDE = round(1 / SHARE)


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", SECRET)


@pytest.fixture
def plan(project: Project, secret: None, monkeypatch: pytest.MonkeyPatch) -> Plan:
    plan = Plan(project.root, built(project.root))
    plan.install(monkeypatch)
    return plan


@pytest.fixture
def command(project: Project, plan: Plan) -> Iterator[WarmCommand]:
    command = WarmCommand(project.root, project.environment())
    yield command
    command.close()


def fault_told(action: str, ended: Ended, call: str) -> None:
    """What the user sees of it: nothing of a kill, one clear line of a failure, or no harm."""
    if ended.status == -9:
        assert action in ("killed", "torn")
        return
    assert "Traceback" not in ended.output, ended.output
    if ended.status != 0:
        assert ended.status == 2, ended.output
        (line,) = ended.output.splitlines()
        assert "cannot be written" in line or "cannot be opened" in line or "cannot be read" in line
        assert "ext step" not in line


def next_start_heals(project: Project, command: WarmCommand, trials: int) -> None:
    ended = command.run("run", "study.yaml", "--quiet")
    assert ended.status == 0, ended.output
    check_invariant(project, asked=trials, output=ended.output)
    assert project.states() == ["COMPLETE"] * trials


def sweep(
    project: Project, plan: Plan, command: WarmCommand, action: str, before: Path | None
) -> int:
    """One case for each call until a run is clean; how many there were."""
    studies = project.root / "studies"
    trials = 2
    wrong = []
    at = 1
    while True:
        shutil.rmtree(studies, ignore_errors=True)
        if before is not None:
            shutil.copytree(before, studies)
        plan.arm(action, role=COORDINATOR, at=at)
        ended = command.run("run", "study.yaml", "--quiet")
        met = plan.met
        plan.arm(None, role=COORDINATOR, at=0)
        if not met:
            assert ended.status == 0, ended.output
            break
        try:
            fault_told(action, ended, met[0])
            if StudyFolder(studies / "study").study_file.exists():
                check_invariant(project, output=ended.output, is_healed=False)
            next_start_heals(project, command, trials)
        except Exception as error:
            wrong.append(f"{at} {met[0]}: {error}"[:600])
        except AssertionError as error:
            wrong.append(f"{at} {met[0]}: {ended} {error}"[:600])
        at += STRIDE
    Path(f"/tmp/wrong-{action}").write_text("\n".join(wrong))
    assert not wrong, f"{len(wrong)} of {at}\n" + "\n".join(wrong)
    return (at - 1) // STRIDE


@pytest.mark.parametrize("action", ACTIONS)
def test_call_of_a_study_that_begins(
    project: Project, plan: Plan, command: WarmCommand, action: str
) -> None:
    project.study(budget={"trials": 2}, sampler="random")
    sweep(project, plan, command, action, None)
