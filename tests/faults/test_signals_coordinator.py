"""Each signal to the coordinator in each phase; the next start finishes what was left."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Project
from faults.invariant import SECRET, check_invariant
from faults.stage import ENDINGS, Stage, stop_and_continue, wait_for
from faults.table import RowWriter

HELD = ("probing", "fitting", "validating", "checkpointing")
PHASES = ("start", *HELD, "reporting", "sampling")
SIGNALS = (*ENDINGS, signal.SIGSTOP)


@pytest.fixture
def stage(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("WANDB_API_KEY", SECRET)
    # short, because a socket lives in it
    with tempfile.TemporaryDirectory(prefix="t-") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        stage = Stage(project)
        yield stage
        stage.release_all()


@pytest.fixture(scope="module")
def cases() -> set[tuple[signal.Signals, str]]:
    """The cases that have held."""
    return set()


def started(stage: Stage, path: Path, trials: int, *held: str) -> subprocess.Popen[str]:
    """A run whose check of the study file is done; what an earlier run left is healed by then."""
    # without the answer of an earlier run each start checks
    (stage.project.root / "studies/study/preflight.json").unlink(missing_ok=True)
    stage.hold("start", *held)
    process = stage.project.start("run", path, "--trials", str(trials))
    stage.wait(process, "start")
    if (stage.project.root / "studies/study/study.yaml").exists():
        assert "RUNNING" not in stage.project.states()
    return process


def assert_ended(
    stage: Stage,
    process: subprocess.Popen[str],
    number: signal.Signals,
    *,
    cut_off: bool = False,
) -> None:
    """The run is over by the signal, with nothing on the screen and nothing left behind.

    Args:
        cut_off: whether the database was locked, so that the events are ahead of it.
    """
    output, errors = process.communicate(timeout=30)
    stage.release_all()
    assert process.returncode == ENDINGS[number], errors
    assert errors == ""
    if number != signal.SIGKILL:
        assert list(Path(os.environ["TMPDIR"]).glob("search-*")) == []
    if (stage.project.root / "studies/study/study.yaml").exists():
        check_invariant(stage.project, output=output, cut_off=cut_off)


def signalled_in_start(stage: Stage, path: Path, number: signal.Signals) -> None:
    process = started(stage, path, 1)
    process.send_signal(number)
    assert_ended(stage, process, number)
    if number != signal.SIGKILL:
        assert not (stage.project.root / "studies").exists()


def signalled_in_attempt(stage: Stage, path: Path, number: signal.Signals, phase: str) -> None:
    process = started(stage, path, 1, phase)
    stage.release("start")
    stage.wait(process, phase)
    process.send_signal(number)
    if number != signal.SIGKILL:
        assert process.stdout is not None
        while "stopping" not in process.stdout.readline():
            assert process.poll() is None
    stage.release(phase)
    assert_ended(stage, process, number)


def in_report(stage: Stage, process: subprocess.Popen[str]) -> None:
    """Wait until the coordinator has written a report to the events, but not to the database."""
    stage.release("reporting")
    wait_for(process, lambda: stage.reported(0) > stage.project.epochs(0), "a report")


def signalled_in_report(stage: Stage, path: Path, number: signal.Signals) -> None:
    process = started(stage, path, 1, "reporting")
    stage.release("start")
    stage.wait(process, "reporting")
    database = stage.lock()
    in_report(stage, process)
    process.send_signal(number)
    process.wait(30)
    database.close()
    assert_ended(stage, process, number, cut_off=True)
    assert stage.last_event(0) == "reported"


def signalled_in_sampling(stage: Stage, path: Path, number: signal.Signals) -> None:
    process = started(stage, path, 2)
    database = stage.lock()
    stage.release("start")
    wait_for(process, lambda: stage.last_event(1) == "sampled", "a sampled trial")
    process.send_signal(number)
    process.wait(30)
    database.close()
    assert stage.project.states() == ["COMPLETE"]
    assert_ended(stage, process, number, cut_off=True)


def assert_finished(stage: Stage, path: Path, trials: int) -> None:
    result = stage.project.run("run", path, "--trials", str(trials))
    assert result.returncode == 0, result.stderr
    check_invariant(stage.project, asked=trials, output=result.stdout + result.stderr)
    assert stage.project.states() == ["COMPLETE"] * trials
    assert {len(curve) for curve in stage.project.curves().values()} == {8}


def causes(project: Project, number: int) -> list[str]:
    return [e["cause"] for e in project.events(number) if e["event"] == "attempt_ended"]


@pytest.mark.parametrize("number", ENDINGS)
def test_signal_ends_the_coordinator_in_each_phase(
    stage: Stage, number: signal.Signals, cases: set[tuple[signal.Signals, str]]
) -> None:
    path = stage.study()
    signalled_in_start(stage, path, number)
    for phase in HELD:
        signalled_in_attempt(stage, path, number, phase)
    signalled_in_report(stage, path, number)
    assert_finished(stage, path, 1)
    signalled_in_sampling(stage, path, number)
    assert_finished(stage, path, 2)
    # five times the trial was cut off, the first time before its own process began
    assert causes(stage.project, 0) == ["interrupted"] * 5 + ["done"]
    assert causes(stage.project, 1) == ["interrupted", "done"]
    cases.update((number, phase) for phase in PHASES)


def test_stopped_coordinator_goes_on_in_each_phase(
    stage: Stage, cases: set[tuple[signal.Signals, str]], row: RowWriter
) -> None:
    path = stage.study()
    process = started(stage, path, 1, *HELD, "reporting")
    # in the order in which one attempt comes to them
    for phase in ("start", "probing", "fitting", "validating", "reporting", "checkpointing"):
        stage.wait(process, phase)
        database = stage.lock() if phase == "reporting" else None
        if database is not None:
            in_report(stage, process)
        stop_and_continue(process.pid, process)
        if database is not None:
            database.close()
        stage.release(phase)
    assert process.wait(60) == 0
    process = started(stage, path, 2)
    database = stage.lock()
    stage.release("start")
    wait_for(process, lambda: stage.last_event(1) == "sampled", "a sampled trial")
    stop_and_continue(process.pid, process)
    database.close()
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    check_invariant(stage.project, asked=2, output=output + errors)
    assert [causes(stage.project, number) for number in (0, 1)] == [["done"], ["done"]]
    cases.update((signal.SIGSTOP, phase) for phase in PHASES)
    if len(cases) == len(SIGNALS) * len(PHASES):
        row(
            f"{len(SIGNALS)} signals x {len(PHASES)} phases, to the coordinator",
            f"{len(cases)} of {len(cases)}",
        )
