"""The workers that a study takes where nobody says how many, and what is kept of the choice."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
from conftest import Project

from search.layout import StudyFolder
from search.trial.checkpoints.files import kept_state


@pytest.fixture
def several_cores() -> Iterator[bool]:
    """Whether there are several cores; the test and what it starts may use all of them."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    yield len(os.sched_getaffinity(0)) > 1
    os.sched_setaffinity(0, own)


def threads_of(project: Project, number: int) -> int:
    """The threads that the trial was trained with, by its checkpoint."""
    checkpoint = StudyFolder(project.root / "studies/study").trial(number).best_ckpt
    return int(kept_state(checkpoint)["threads"])


def told(output: str) -> str:
    """The line that says how many workers there are, and why."""
    lines = [line for line in output.splitlines() if " worker" in line and ": " in line]
    return next(line for line in lines if not line.startswith("study "))


def test_choice_is_told_and_the_study_keeps_its_threads(
    project: Project, monkeypatch: pytest.MonkeyPatch, several_cores: bool
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    path = project.study()
    first = project.run("run", path, "--workers", "auto", "--trials", "1")
    assert first.returncode == 0, first.stdout + first.stderr
    reason = "OMP_NUM_THREADS says so" + ("; 1 trial to go" if several_cores else "")
    assert told(first.stdout) == f"1 worker with 3 threads: {reason}"
    assert threads_of(project, 0) == 3
    events = (project.root / "studies/study/events.jsonl").read_text().splitlines()
    kept = [event for event in map(json.loads, events) if event["event"] == "threads"]
    assert [(each["threads"], each["reason"]) for each in kept] == [(3, reason)]


def test_study_goes_on_with_the_threads_that_it_began_with(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    path = project.study()
    assert project.run("run", path, "--workers", "auto", "--trials", "1").returncode == 0
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    again = project.run("run", path, "--workers", "auto", "--trials", "2")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "with 1 thread: the study began with 1 thread a trial" in told(again.stdout)
    assert threads_of(project, 1) == 1


def test_trial_has_the_threads_that_its_study_file_gives_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    path = project.study(resources={"cpus": 2})
    first = project.run("run", path, "--workers", "1", "--trials", "1")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "1 worker with 2 threads: the study file gives each trial 2 CPUs" in first.stdout
    assert threads_of(project, 0) == 2
    again = project.run("run", path, "--set", "resources.cpus=3", "--trials", "2")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "from now on: resources.cpus: was 2, is 3" in again.stdout
    assert "the study began with 2 threads a trial, so last digits of values may" in again.stdout
    assert threads_of(project, 1) == 3


def test_cores_are_shared_by_what_was_measured(project: Project, several_cores: bool) -> None:
    if not several_cores:
        pytest.skip("one core leaves nothing to choose")
    result = project.run("run", project.study(), "--workers", "auto", "--trials", "2")
    assert result.returncode == 0, result.stdout + result.stderr
    assert told(result.stdout).startswith("2 workers with 1 thread each: a second thread makes")


def test_steps_that_cannot_be_timed_are_no_fault_of_the_study(
    project: Project, several_cores: bool
) -> None:
    if not several_cores:
        pytest.skip("one core leaves nothing to time")
    (project.root / "net.py").write_text(
        "import os\nfrom tiny import Tiny\n\n\nclass Net(Tiny):\n"
        "    steps = 0\n\n"
        "    def training_step(self, batch, batch_idx):\n"
        "        Net.steps += 1\n"
        "        if self.steps > 1 and 'search-time' in self.trainer.default_root_dir:\n"
        "            os._exit(7)\n"
        "        return super().training_step(batch, batch_idx)\n"
    )
    path = project.study(model={"class_path": "net.Net"}, budget={"trials": 1})
    result = project.run("run", path, "--workers", "auto")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "timing a few training steps ended with status 7" in result.stdout
    assert "1 worker with " in result.stdout
    folder = StudyFolder(project.root / "studies/study")
    assert not folder.preflight.exists()
    assert b'"threads"' not in folder.events.read_bytes()
