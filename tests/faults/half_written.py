"""A study whose last event is written and its database is not."""

from __future__ import annotations

import shutil
from pathlib import Path

from conftest import Project
from faults.failing import COORDINATOR, Plan, WarmCommand

TRIALS = 2


def killed_before_its_database(project: Project, plan: Plan, command: WarmCommand) -> Path:
    """The folder of the studies, with one that was killed at that moment."""
    project.study(budget={"trials": TRIALS}, sampler="random")
    assert command.run("run", "study.yaml", "--quiet").status == 0
    last = max(n for n, call in enumerate(plan.calls, 1) if call.endswith("0001/events.jsonl"))
    studies = project.root / "studies"
    shutil.rmtree(studies)
    plan.arm("killed", role=COORDINATOR, at=last + 1)
    assert command.run("run", "study.yaml", "--quiet").status == -9
    return studies
