"""Trials that train in slots which their executor takes back: they end as if it had not."""

from __future__ import annotations

import pytest
from conftest import Project
from faults.in_process import command_line

from search.executors.local import LocalExecutor
from search.layout import StudyFolder
from search.messages import (
    Exited,
    Launched,
    Message,
    Reported,
    Slot,
    SlotClosed,
    SlotClosing,
    SlotOpened,
    Stop,
)
from search.store.reading import read_study

pytestmark = pytest.mark.real

EPOCHS = {"max_epochs": 12, "accelerator": "cpu", "num_sanity_val_steps": 0}
LIMIT = "job 1 reaches its time limit"
GONE = "node n1 was lost: its job is gone"


class ShortJobs:
    """Says of an executor of this machine that its slot is that of a job, of which the first ones
    end once an attempt there has reported three times.

    Args:
        jobs: jobs that end.
        is_lost: they end without a warning.
    """

    def __init__(self, jobs: int, *, is_lost: bool) -> None:
        self._jobs = jobs
        self._is_lost = is_lost
        self._slot, self._name = Slot(1), ""
        self._reports = 0
        self._is_ending = False

    def said(self, executor: LocalExecutor, name: str, message: Message) -> list[Message]:
        """What is said in the place of a message, and after it."""
        match message:
            case SlotOpened():
                self._slot, self._name = message.slot, name
            case Launched():
                self._reports = 0
            case Reported():
                self._reports += 1
                if self._reports == 3 and self._jobs:
                    self._jobs -= 1
                    self._is_ending = True
                    return [message, *self._end(executor, name)]
            case Exited() if self._is_ending:
                self._is_ending = False
                lost = GONE if self._is_lost else None
                exited = Exited(name, message.status, lost=lost)
                return [exited, SlotClosed(LIMIT), SlotOpened(self._slot)]
        return [message]

    def _end(self, executor: LocalExecutor, attempt: str) -> list[Message]:
        if self._is_lost:
            executor.kill(attempt)
            return []
        executor.send(attempt, Stop())
        return [SlotClosing(LIMIT)]

    def about(self, name: str, message: Message) -> str:
        """Whom a message is of: the slot, or the one that said it."""
        is_of_slot = isinstance(message, SlotOpened | SlotClosing | SlotClosed)
        return self._name if is_of_slot else name


@pytest.mark.parametrize(("is_lost", "cause"), [(False, "interrupted"), (True, "lost")])
def test_trials_have_the_values_that_they_would_have_had(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    is_lost: bool,
    cause: str,
) -> None:
    project.study("reference", trainer=EPOCHS, budget={"trials": 2})
    assert project.run("run", "reference.yaml", "--quiet").returncode == 0
    jobs, poll = ShortJobs(2, is_lost=is_lost), LocalExecutor.poll

    def with_jobs(executor: LocalExecutor, timeout_s: float) -> list[tuple[str, Message]]:
        return [
            (jobs.about(name, each), each)
            for name, message in poll(executor, timeout_s)
            for each in jobs.said(executor, name, message)
        ]

    monkeypatch.setattr(LocalExecutor, "poll", with_jobs)
    monkeypatch.chdir(project.root)
    study = project.study(trainer=EPOCHS, budget={"trials": 2})
    code, output = command_line(capfd)("run", study, "--workers", "1")
    assert code == 0, output
    trials = read_study(StudyFolder(project.root / "studies/study")).trials
    assert [each.cause for trial in trials for each in trial.attempts] == [
        *[cause] * 2,
        "done",
        "done",
    ]
    assert project.curves() == project.curves("reference")
    assert (GONE in output) == is_lost
    assert output.count(f"a slot closes: {LIMIT}") == (0 if is_lost else 1)
