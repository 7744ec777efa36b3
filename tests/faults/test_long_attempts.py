"""Every call by which an attempt changes a file: it fails, or the attempt dies in it.

Trial n meets its fault in its call n + 1, once, so that one run has a case in each trial; the last
trials have no such call and are clean.
"""

from __future__ import annotations

import pytest
from conftest import Project
from faults.failing import ACTIONS, ATTEMPT, Plan, built
from faults.invariant import SECRET, check_invariant
from faults.table import RowWriter
from faults.test_kills import epochs

from search.layout import TrialFolder
from search.trial.checkpoints.files import kept_state

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

TRIALS = 70


@pytest.fixture
def plan(project: Project, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.setenv("WANDB_API_KEY", SECRET)
    # Lightning writes a checkpoint here first, and moves it then
    temporary = project.root / "studies/temporary"
    temporary.mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(temporary))
    plan = Plan(project.root, built(project.root))
    plan.install(monkeypatch)
    return plan


@pytest.mark.parametrize("action", ACTIONS)
def test_no_trial_is_lost_to_a_fault_in_a_call_of_its_attempt(
    project: Project, plan: Plan, row: RowWriter, action: str
) -> None:
    path = project.study(trainer=epochs(3), budget={"trials": TRIALS}, sampler="random")
    plan.arm(action, role=ATTEMPT, at=0)
    result = project.run("run", path)
    assert result.returncode == 0, result.stderr
    check_invariant(project, asked=TRIALS, output=result.stdout + result.stderr)
    assert project.states() == ["COMPLETE"] * TRIALS, result.stdout
    assert {len(curve) for curve in project.curves().values()} == {3}
    values = dict(
        project.query("SELECT number, value FROM trials JOIN trial_values USING (trial_id)")
    )
    for number in range(TRIALS):
        best = TrialFolder(project.root / f"studies/study/trials/{number:04d}").best_ckpt
        assert kept_state(best)["best"] == values[number], f"trial {number}: of another value"
    met = plan.met
    assert 0 < len(met) < TRIALS, "the last trials are clean"
    assert any(call.startswith("rename") and call.endswith("last.ckpt") for call in met)
    row(f"{action} in each call of an attempt that changes a file", f"{len(met)}, 0 lost")
