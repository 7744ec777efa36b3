"""Signals and kills of a study that pauses trials."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Project, attempts_of
from faults.halved import halved
from faults.table import RowWriter

KILLS = 5


@pytest.fixture(scope="module")
def untouched(shared_project: Project) -> Project:
    """The study when nothing happens to it."""
    assert shared_project.run("run", halved(shared_project), "-q").returncode == 0
    return shared_project


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_study_that_was_ended_goes_on_as_if_nothing_had_happened(
    project: Project,
    untouched: Project,
    wait_for: Callable[..., Any],
    row: RowWriter,
    number: signal.Signals,
) -> None:
    process = project.start("run", halved(project))
    for trial in (1, 4):
        wait_for(lambda: project.epochs(trial), f"trial {trial}")  # noqa: B023
        process.send_signal(number)
        process.communicate(timeout=60)
        wait_for(lambda: not attempts_of(os.getpid()), "the end of its attempts")
        process = project.start("resume", "study")
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert "will not go on: others were better" in output
    assert project.states() == untouched.states()
    assert project.curves() == untouched.curves()
    row(f"{number.name} of a study with paused trials, twice", "0 lost, the very same values")


def test_attempts_that_are_killed_are_paused_and_chosen_all_the_same(
    project: Project, untouched: Project, row: RowWriter
) -> None:
    process = project.start("run", halved(project))
    killed: set[int] = set()
    while process.poll() is None:
        time.sleep(0.02)
        if len(killed) < KILLS and project.epochs(len(killed)):
            for pid in set(attempts_of(os.getpid())) - killed:
                killed.add(pid)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert killed
    assert project.states() == untouched.states()
    assert project.curves() == untouched.curves()
    row("SIGKILL of attempts whose trials are paused", "0 lost, the very same values")
