"""Condemned trials that run on to their end, so that one learns how right the verdicts are."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Project
from faults.halved import EPOCHS, TRIALS, halved

# of the six trials some are taken by this share, and some are not
SHARE = "40%"


def pruned(project: Project, name: str = "study", **changes: Any) -> Path:
    """A study whose pruner would end every trial after its second epoch."""
    pruner = {"name": "threshold", "lower": 0, "upper": 1e-9, "n_warmup_steps": 2}
    sections = {"scheduler": None, "pruner": pruner, "audit": SHARE} | changes
    return halved(project, name, **sections)


def audited(project: Project, study: str = "study") -> dict[int, dict[str, Any]]:
    """The event by which each trial was condemned and runs on."""
    found = {}
    for number in range(len(project.states(study))):
        events = [each for each in project.events(number, study) if each.get("audited")]
        assert len(events) <= 1
        if events:
            found[number] = events[0]
    return found


def figures(project: Project, study: str = "study") -> dict[str, Any]:
    (told,) = json.loads(project.run("status", study, "--json").stdout)
    found: dict[str, Any] = told["audit"]
    return found


@pytest.fixture(scope="module")
def reference(shared_project: Project) -> Project:
    """A study with a pruner, and one with a scheduler as `paused`, to which nothing happens."""
    project = shared_project
    assert project.run("run", pruned(project), "-q").returncode == 0
    assert project.run("run", halved(project, "paused", audit="60%"), "-q").returncode == 0
    return project


def test_some_of_the_pruned_trials_are_trained_to_their_end(reference: Project) -> None:
    found, states, curves = audited(reference), reference.states(), reference.curves()
    assert 0 < len(found) < TRIALS
    for number in range(TRIALS):
        is_audited = number in found
        assert states[number] == ("COMPLETE" if is_audited else "PRUNED")
        assert (len(curves[number]) == EPOCHS) is is_audited
    for event in found.values():
        assert "is outside of 0 to 1e-09" in event["why"]
        assert not event.get("pruned")


def test_each_view_tells_of_it(reference: Project) -> None:
    number = min(audited(reference))
    why = reference.run("why", "study", str(number)).stdout
    assert "audited" in why
    assert "would have been pruned" in why
    assert "would have been pruned" in reference.run("show", "study", str(number)).stdout
    told = json.loads(reference.run("why", "study", str(number), "--json").stdout)
    assert "audited" in {each["verdict"] for each in told["verdicts"]}
    report = reference.run("report", "study")
    assert report.returncode == 0, report.stderr
    assert "would have been pruned" in (reference.root / "studies/study/report.html").read_text()


def test_how_often_it_was_wrong_is_told(reference: Project) -> None:
    told = figures(reference, "paused")
    found = audited(reference, "paused")
    assert found
    assert told["audited"] == len(found)
    text = f"wrongly stopped: {told['wrong']} of {len(found)}, epochs saved: "
    assert text in reference.run("status", "paused").stdout
    reference.run("report", "paused")
    assert text in (reference.root / "studies/paused/report.html").read_text()


def test_paused_trials_that_nobody_would_choose_are_audited_at_the_end(reference: Project) -> None:
    found, curves = audited(reference, "paused"), reference.curves("paused")
    assert found
    for number, event in found.items():
        assert event["event"] == "attempt_started"
        assert len(curves[number]) == EPOCHS
        assert reference.states("paused")[number] == "COMPLETE"


@pytest.mark.parametrize("make", [pruned, halved])
def test_study_that_was_killed_audits_the_same_trials(
    reference: Project, project: Project, make: Callable[..., Path], wait_for: Callable[..., Any]
) -> None:
    study, share = ("study", SHARE) if make is pruned else ("paused", "60%")
    first = min(audited(reference, study))
    path = make(project, study, audit=share)
    process = project.start("run", path, "-q")
    wait_for(
        lambda: (
            (project.root / f"studies/{study}/trials/{first:04d}/events.jsonl").is_file()
            and any(each.get("audited") for each in project.events(first, study))
        ),
        "an audited trial",
    )
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    result = project.run("run", path, "-q")
    assert result.returncode == 0, result.stderr
    assert audited(project, study).keys() == audited(reference, study).keys()
    assert project.curves(study) == reference.curves(study)
    (project.root / f"studies/{study}/study.db").unlink()
    assert project.run("rebuild", study).returncode == 0
    assert project.states(study) == reference.states(study)
