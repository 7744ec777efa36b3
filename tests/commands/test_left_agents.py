"""A start after a run on other machines whose coordinator died."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

from conftest import Project

NOON = "2026-11-27T12:00:00+00:00"


def write_roster(folder: Path, *agents: dict[str, Any]) -> None:
    """Write what the bridge of the dead run would have written last."""
    tree = {"engine": "slurm", "written": NOON, "agents": agents}
    (folder / "nodes.json").write_text(json.dumps(tree))


def test_start_waits_for_agents_that_may_be_at_work_and_ends_at_a_signal(
    project: Project,
) -> None:
    study = project.study(budget={"trials": 1})
    assert project.run("run", study).returncode == 0
    folder = project.root / "studies/study"
    work = [{"attempt": "fit-0-1", "since": NOON}]
    agent: dict[str, Any] = {"name": "17", "node": "n2", "state": "ready", "attempts": work}
    agent |= {"why": "", "since": NOON, "ends": None, "slots": 1}
    write_roster(folder, agent)

    waiting = project.start("run", study, "--trials", "2")
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == (
        "waiting up to 33 s until node n2 has certainly ended trial 0\n"
    )
    waiting.send_signal(signal.SIGINT)
    assert waiting.wait(30) == 130
    assert project.states() == ["COMPLETE"]

    # as the bridge of the dead run writes it, once its agents have ended
    write_roster(folder)
    result = project.run("run", study, "--trials", "2")
    assert result.returncode == 0, result.stderr
    assert "waiting up to" not in result.stdout
    assert project.states() == ["COMPLETE"] * 2
