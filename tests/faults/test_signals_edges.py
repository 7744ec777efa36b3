"""Signals where there is no phase yet or no terminal any more, and signals that come twice."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest
from conftest import SEARCH, Project
from faults.invariant import check_invariant
from faults.stage import ENDINGS, Stage


@pytest.fixture
def stage(project: Project) -> Iterator[Stage]:
    stage = Stage(project)
    yield stage
    stage.release_all()


@pytest.mark.real
def test_interrupt_while_the_command_is_imported_is_silent() -> None:
    code = (
        "import os, signal, sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'search.cli':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "from search.entry import main\n"
        "sys.exit(main())"
    )
    command = [sys.executable, "-c", code, "--help"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_signal_while_torch_is_loaded_leaves_nothing_behind(stage: Stage) -> None:
    path = stage.study()
    numbers = [number for number in ENDINGS if number != signal.SIGKILL]
    runs = [
        stage.project.start("run", path, "--name", f"study{number}", "--studies", f"of{number}")
        for number in numbers
    ]
    for run, number in zip(runs, numbers, strict=True):
        assert run.stdout is not None
        assert run.stdout.readline().startswith("loading torch")
        run.send_signal(number)
    for run, number in zip(runs, numbers, strict=True):
        _, errors = run.communicate(timeout=60)
        assert (run.returncode, errors) == (ENDINGS[number], "")
        assert not (stage.project.root / f"of{number}").exists()


def test_closed_terminal_saves_and_the_next_run_finishes(stage: Stage) -> None:
    path = stage.study(budget={"trials": 1})
    stage.hold("fitting")
    terminal, its_end = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", SEARCH, "run", path],
        cwd=stage.project.root,
        env={**stage.project.environment(), "TERM": "xterm"},
        stdin=its_end,
        stdout=its_end,
        stderr=its_end,
        text=True,
    )
    stage.project.started.append(process)
    os.close(its_end)
    os.set_blocking(terminal, False)
    while not stage.held("fitting"):
        read_all(terminal)
        time.sleep(0.02)
        assert process.poll() is None
    os.close(terminal)  # the kernel sends SIGHUP, and writing to it fails from now on
    time.sleep(1)  # several turns of the live table
    stage.release("fitting")
    assert process.wait(30) == 129
    assert stage.project.states() == ["WAITING"]
    assert not (stage.project.root / "search-crash.log").exists()
    (ended,) = [e for e in stage.project.events(0) if e["event"] == "attempt_ended"]
    assert (ended["cause"], ended["message"]) == (
        "interrupted",
        "interrupted; goes on from its last checkpoint",
    )
    assert stage.project.run("resume", "study").returncode == 0
    check_invariant(stage.project, asked=1)


def read_all(terminal: int) -> None:
    try:
        while os.read(terminal, 65536):
            pass
    except BlockingIOError:
        return


def test_pipe_whose_reader_left_stops_the_study_in_order(stage: Stage) -> None:
    path = stage.study(budget={"trials": 2})
    stage.hold("fitting")
    process = stage.project.start("run", path)
    stage.wait(process, "fitting")
    assert process.stdout is not None
    process.stdout.close()
    stage.release("fitting")
    assert process.wait(60) == 141
    assert process.stderr is not None
    assert process.stderr.read() == ""
    assert "RUNNING" not in stage.project.states()
    assert stage.project.run("resume", "study").returncode == 0
    check_invariant(stage.project, asked=2)


def test_run_under_nohup_outlives_its_terminal(stage: Stage) -> None:
    path = stage.study(budget={"trials": 1})
    stage.hold("fitting")
    process = subprocess.Popen(
        ["nohup", SEARCH, "run", path, "--quiet"],
        cwd=stage.project.root,
        env=stage.project.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    stage.project.started.append(process)
    stage.wait(process, "fitting")
    process.send_signal(signal.SIGHUP)
    stage.release("fitting")
    assert process.wait(60) == 0
    check_invariant(stage.project, asked=1)


def test_sigterm_to_every_process_at_once_loses_nothing(stage: Stage) -> None:
    """As systemd stops a unit: coordinator, fork server, attempts, and the one that waits."""
    path = stage.study(budget={"trials": 1}, batch=None)
    stage.hold("fitting")
    process = stage.project.start("run", path)
    attempt = stage.wait(process, "fitting")
    server = psutil.Process(attempt).parent()
    assert server is not None
    for each in (server, *server.children(), psutil.Process(process.pid)):
        each.terminate()
    stage.release("fitting")
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (143, "")
    assert stage.project.states() == ["WAITING"]
    result = stage.project.run("resume", "study")
    assert result.returncode == 0, result.stderr
    check_invariant(stage.project, asked=1, output=output + result.stdout + result.stderr)
