"""Each signal to an attempt in each of its phases, all in one study that goes on meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest
from conftest import Project
from faults.invariant import SECRET, check_invariant
from faults.stage import Stage, stop, stop_and_continue
from faults.table import RowWriter

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL, signal.SIGSTOP)
PHASES = ("building", "probing", "fitting", "validating", "checkpointing", "reporting")
# a trial each, told apart by the width of its model
CASES = dict(enumerate(((number, phase) for number in SIGNALS for phase in PHASES), 1))
# to the whole group of an attempt, its data loader's worker included
GROUP_CASES = dict(enumerate(((number, "fitting") for number in SIGNALS), 100))


def send(stage: Stage, process: subprocess.Popen[str], width: int, pid: int) -> None:
    """Send the signal of a case to the attempt that stands in its phase."""
    number, phase = (CASES | GROUP_CASES)[width]
    is_asking = phase == "reporting"
    if is_asking:
        # a report that nobody answers holds the attempt in it
        stop(process.pid, process)
        stage.release(phase, width=width)
        time.sleep(0.5)
    if number == signal.SIGSTOP:
        stop_and_continue(pid, process)
    elif width in GROUP_CASES:
        os.killpg(pid, number)
    else:
        os.kill(pid, number)
    if is_asking:
        os.kill(process.pid, signal.SIGCONT)
    stage.release(phase, width=width)


def test_signal_to_an_attempt_in_each_phase_loses_nothing(
    project: Project, row: RowWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", SECRET)
    stage = Stage(project)
    cases = CASES | GROUP_CASES
    path = stage.study(
        space={"model.init_args.width": {"choice": list(cases)}},
        sampler="bruteforce",
        # without a pruner no report waits, and a quick trial ends before its signal comes
        pruner={"name": "threshold", "upper": 1e9},
        budget={"trials": len(cases)},
    )
    for width, (_, phase) in cases.items():
        stage.hold(phase, width=width)
    process = project.start("run", path, "--workers", "2")
    left = set(cases)
    while left:
        ready = {width: pid for width in left if (pid := stage.held(cases[width][1], width))}
        for width, pid in ready.items():
            send(stage, process, width, pid)
        left -= ready.keys()
        assert process.poll() is None
        time.sleep(0.02)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert errors == ""
    check_invariant(project, asked=len(cases), output=output)
    assert project.states() == ["COMPLETE"] * len(cases)
    assert {len(curve) for curve in project.curves().values()} == {8}
    for number in range(len(cases)):
        first, *events = project.events(number)
        case = cases[first["params"]["model.init_args.width"]]
        causes = [event["cause"] for event in events if event["event"] == "attempt_ended"]
        assert causes == (["done"] if case[0] == signal.SIGSTOP else ["killed", "done"]), case
    row(
        f"{len(SIGNALS)} signals x {len(PHASES)} phases, to an attempt",
        f"{len(CASES)} of {len(CASES)}",
    )
    row(
        f"{len(SIGNALS)} signals to the whole group of an attempt",
        f"{len(GROUP_CASES)} of {len(GROUP_CASES)}",
    )
