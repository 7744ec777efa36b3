"""The time of a run: from its own start, and what its end means for the exit code."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Project
from faults.in_process import command_line
from faults.without_training import Untrained

from search.engine.deadline import Deadline
from search.errors import StudyFailed
from search.layout import TrialFolder
from search.messages import Exited, Launched, Message, Slot, Stop

OUT_OF_TIME = (
    "study: no trial was finished within the time limit of 900 s. Run the same command again, or "
    "give it longer with --timeout.\n"
)
LATE_S = 1000.0
Run = Callable[..., tuple[int, str]]


class Clock:
    """The monotonic clock of a run, which jumps when a task begins at the moment `late` names."""

    def __init__(self, late: str) -> None:
        self.late, self.now = late, 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def run(
    project: Project, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Run the study with a limit of 900 s; its time is over when the named task is begun."""
    monkeypatch.chdir(project.root)
    project.study(budget={"trials": 4, "timeout": "15m"})
    command = command_line(capfd)

    def run(late: str = "") -> tuple[int, str]:
        clock = Clock(late)

        class Late(Untrained):
            def start(self, attempt: str, task: str, folder: TrialFolder, slot: Slot) -> None:
                super().start(attempt, task, folder, slot)
                if late in (folder.root.name, task):
                    clock.now += LATE_S
                    # it takes as long as it is let, and is killed then
                    self._messages = []
                    if task == "fit":
                        self._messages = [(attempt, Launched(attempt, 0))]

            def send(self, attempt: str, message: Message) -> None:
                if isinstance(message, Stop):
                    self.kill(attempt)

            def kill(self, attempt: str, *, dump: bool = False) -> None:
                self._messages.append((attempt, Exited(attempt, -signal.SIGKILL)))

        monkeypatch.setattr("search.engine.deadline.time", clock)
        monkeypatch.setattr("search.engine.place.LocalExecutor", Late)
        return command("run", "study.yaml", "-q")

    return run


def test_time_counts_from_the_start_of_the_run(run: Run, project: Project) -> None:
    assert run("check") == (1, OUT_OF_TIME)
    assert not (project.root / "studies/study").exists()


def test_run_that_ends_by_its_time_without_a_finished_trial_exits_with_one(
    run: Run, project: Project
) -> None:
    assert run("0000") == (1, OUT_OF_TIME)
    assert project.states() == ["WAITING"]
    # the time is that of one run
    assert run() == (0, "")
    assert project.states() == ["COMPLETE"] * 4


def test_run_that_ends_by_its_time_after_a_finished_trial_exits_with_zero(
    run: Run, project: Project
) -> None:
    assert run("0002") == (0, "")
    assert project.states() == ["COMPLETE", "COMPLETE", "WAITING"]
    # nor does one of a study that has finished trials already, be it over before it began
    assert run("check") == (0, "")
    assert run("0002") == (0, "")
    assert project.states() == ["COMPLETE", "COMPLETE", "WAITING"]


def test_deadline_without_a_limit_is_never_over() -> None:
    Deadline(None).check("study")
    with pytest.raises(StudyFailed):
        Deadline(-1.0).check("study")


def test_zero_trials_are_refused(project: Project) -> None:
    result: Any = project.run("run", project.study(), "--trials", "0")
    assert result.returncode == 2
    assert "--trials" in result.stderr
