"""The kills of `test_kills.py` by the hundred, and the same kills done to the script of today."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import pytest
from conftest import Project
from faults.counts import scaled
from faults.invariant import SECRET
from faults.table import RowWriter
from faults.test_kills import (
    assert_nothing_lost_to_attempt_kills,
    assert_nothing_lost_to_coordinator_kills,
)

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]

ATTEMPT_KILLS = scaled(500)
COORDINATOR_KILLS = scaled(100)
# kills of the script of today, and the trials that it is asked for
SCRIPT_KILLS, SCRIPT_TRIALS, SCRIPT_EPOCHS = scaled(100), scaled(100), 6
SCRIPT = Path(__file__).with_name("today_script.py")


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", SECRET)


def test_no_trial_is_lost_to_hundreds_of_attempt_kills(project: Project, row: RowWriter) -> None:
    result = assert_nothing_lost_to_attempt_kills(
        project, ATTEMPT_KILLS, trials=ATTEMPT_KILLS * 9 // 10
    )
    row("SIGKILL of a random attempt", result)


def test_no_trial_is_lost_to_a_hundred_coordinator_kills(
    project: Project, wait_for: Callable[..., Any], row: RowWriter
) -> None:
    result = assert_nothing_lost_to_coordinator_kills(project, wait_for, COORDINATOR_KILLS)
    row("SIGKILL of the coordinator", result)


def begin_script(project: Project, trials: int) -> subprocess.Popen[bytes]:
    script = shutil.copy(SCRIPT, project.root)  # beside the module that it imports
    return subprocess.Popen(
        [sys.executable, script, str(trials), str(SCRIPT_EPOCHS)],
        cwd=project.root,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@dataclass(frozen=True)
class Tally:
    """What became of the script's trials. A retry has a new number; `lost` are configurations that
    were sampled and have no result under any number."""

    asked: int
    lost: int
    running: int
    failed: int
    epochs: int
    repeated: int


def tally(project: Project) -> Tally:
    storage = f"sqlite:///{project.root / 'script.db'}"
    trials = optuna.load_study(study_name="script", storage=storage).get_trials(deepcopy=False)
    origins = {
        trial.number: trial.system_attrs.get("failed_trial", trial.number) for trial in trials
    }
    with_result = {
        origins[trial.number] for trial in trials if trial.state.name in ("COMPLETE", "PRUNED")
    }
    states = Counter(trial.state.name for trial in trials)
    trained = (project.root / "epochs.jsonl").read_text().splitlines()
    return Tally(
        asked=len(set(origins.values())),
        lost=len(set(origins.values()) - with_result),
        running=states["RUNNING"],
        failed=states["FAIL"],
        epochs=len(trained),
        repeated=len(trained) - len(set(trained)),
    )


def test_script_of_today_under_the_same_kills(project: Project, row: RowWriter) -> None:
    """Killed as a coordinator is: trials and script are one process. Then started again, with what
    is left of its trials, as its author would; a last time without a kill."""
    chance = random.Random(SCRIPT_KILLS)
    for _ in range(SCRIPT_KILLS):
        process = begin_script(project, SCRIPT_TRIALS)
        # most of it falls into trials: its imports alone take seconds
        _wait_for_epochs(project, process)
        time.sleep(chance.uniform(0.0, 1.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert begin_script(project, SCRIPT_TRIALS).wait(900) == 0
    found = tally(project)
    row(
        "the same kills done to the script of today: Optuna's `optimize` around `Trainer.fit`, "
        "heartbeat and retries on",
        f"{SCRIPT_KILLS} kills, {found.lost} of {found.asked} trials lost, {found.running} RUNNING "
        f"for ever, {found.failed} numbers failed, {found.repeated} of {found.epochs} epochs "
        "trained again",
    )


def _wait_for_epochs(project: Project, process: subprocess.Popen[bytes]) -> None:
    """Until this process has trained an epoch, or has nothing left to do."""
    path, before = project.root / "epochs.jsonl", _size(project)
    while process.poll() is None and _size(project) == before:
        time.sleep(0.02)
    assert path.exists()


def _size(project: Project) -> int:
    path = project.root / "epochs.jsonl"
    return path.stat().st_size if path.exists() else 0
