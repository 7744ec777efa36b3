"""Epochs and seconds that a scheduler needs to get as far as plain Optuna does, in real runs.

By hand: `pytest -m benchmark -s tests/benchmarks/test_real_runs.py`. Each study is run with two
workers and Optuna's median pruner, then with the scheduler and the epochs that plain spent; its
coordinator is killed twice on the way.
"""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import Project

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(3600)]

STUDIES = Path(__file__).parent.parent.parent / "studies"
TRIALS = 50
MEDIAN = {"name": "median", "n_startup_trials": 5, "n_warmup_steps": 3}
# the default study as it is, and two whose trials take seconds, so that pausing pays
LONGER: dict[str, dict[str, Any]] = {
    "autoencoder": {},
    "classifier": {"max_epochs": 81},
    "vae": {"max_epochs": 81},
}


@dataclass(frozen=True)
class Moment:
    """A trial that was trained to its end.

    epochs, seconds: spent by the whole study until then; seconds without those in which nothing
        ran.
    """

    value: float
    epochs: int
    seconds: float


def study(project: Project, shipped: str, **changes: Any) -> Path:
    """A shipped study, changed."""
    tree = yaml.safe_load((STUDIES / f"{shipped}.yaml").read_text())
    tree["trainer"] |= LONGER[shipped]
    tree |= changes
    path = project.root / f"{changes['name']}.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in tree.items() if v is not None}))
    return path


def moments(project: Project, name: str) -> list[Moment]:
    """The complete trials of a study, in the order of their ends."""
    trials = sorted((project.root / "studies" / name / "trials").glob("[0-9]*"))
    events = [
        (datetime.fromisoformat(event["time"]).timestamp(), event)
        for trial in trials
        for event in project.events(int(trial.name), name)
    ]
    found: list[Moment] = []
    epochs, seconds = 0, 0.0
    running = 0
    before = 0.0
    for at, event in sorted(events, key=lambda each: each[0]):
        seconds += at - before if running > 0 else 0.0
        before = at
        running += {"attempt_started": 1, "attempt_ended": -1}.get(event["event"], 0)
        epochs += event["event"] == "reported"
        if event["event"] == "attempt_ended" and event["state"] == "COMPLETE":
            found.append(Moment(event["value"], epochs, seconds))
    return found


def ends(project: Project, name: str) -> int:
    """Attempts of a study that have ended so far."""
    trials = (project.root / "studies" / name / "trials").glob("[0-9]*/events.jsonl")
    return sum(path.read_text().count('"attempt_ended"') for path in trials)


def run_killed(project: Project, path: Path, kills_after: tuple[int, ...]) -> None:
    """Run a study to its end with two workers; its coordinator is killed after so many ends."""
    for count in kills_after:
        process = project.start("run", path, "--workers", "2", "-q")
        while process.poll() is None and ends(project, path.stem) < count:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    result = project.run("run", path, "--workers", "2", "-q")
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("scheduler", ["thaw", "pbt"])
@pytest.mark.parametrize("name", LONGER)
def test_epochs_and_seconds_to_the_best_of_plain(
    project: Project, name: str, scheduler: str
) -> None:
    path = study(project, name, name="plain", pruner=MEDIAN, budget={"trials": TRIALS})
    run_killed(project, path, ())
    plain = moments(project, "plain")
    sign = -1 if yaml.safe_load(path.read_text())["objective"]["direction"] == "maximize" else 1
    best = min(plain, key=lambda each: sign * each.value)
    spent = sum(project.epochs(number, "plain") for number in range(TRIALS))
    budget = {"trials": 1000, "epochs": spent}
    path = study(project, name, name=scheduler, pruner=None, scheduler=scheduler, budget=budget)
    run_killed(project, path, (5, 20))
    ours = moments(project, scheduler)
    reached = next((each for each in ours if sign * each.value <= sign * best.value), None)
    top = min(ours, key=lambda each: sign * each.value)
    got_there = f"after {reached.epochs} and {reached.seconds:.0f} s" if reached else "never"
    print(
        f"\n{name}, {spent} epochs: plain's best is {best.value:.5g} after {best.epochs} epochs "
        f"and {best.seconds:.0f} s; {scheduler} gets there {got_there}, its best {top.value:.5g} "
        f"after {top.epochs} and {top.seconds:.0f} s"
    )
