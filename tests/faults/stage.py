"""A model that stands still in any phase of its training until the test lets it go on, and the
database held in the hands of somebody else."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Project

# exit codes of a coordinator that a signal ended
ENDINGS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGKILL: -9}

PHASED = '''
import os, sys, time
from pathlib import Path
from tiny import Tiny
from torch.utils.data import DataLoader

WORKERS_FROM = 100  # widths whose loaders have a process of their own


class Phased(Tiny):
    """Stands still in a phase for as long as the test keeps `holds/WIDTH-PHASE`."""

    def __init__(self, lr: float = 0.001, width: int = 1, batch_size: int = 8):
        super().__init__(lr=lr, width=width, batch_size=batch_size)
        self.width, self.validations = width, 0
        self.workers = int(width >= WORKERS_FROM)
        # an attempt can be run by hand from its folder, which is its one argument
        self.task = Path(sys.argv[1]).parent.name if len(sys.argv) > 1 else ""
        if self.task == "trials":
            self.stand("building")

    def stand(self, phase):
        hold = Path("holds") / f"{self.width}-{phase}"
        if hold.exists():
            hold.with_name(f".{hold.name}").write_text(str(os.getpid()))
            hold.with_name(f".{hold.name}").rename(hold.with_suffix(".pid"))
        while hold.exists():
            time.sleep(0.01)

    def stand_in_fit(self, phase):
        if self.task == "trials" and self.current_epoch >= 1:
            self.stand(phase)

    def training_step(self, batch, batch_idx):
        self.stand_in_fit("fitting")
        if self.task not in ("trials", ""):
            self.stand("probing" if self.task == "probes" else "start")
        return super().training_step(batch, batch_idx)

    def validation_step(self, batch, batch_idx):
        self.stand_in_fit("validating")
        super().validation_step(batch, batch_idx)

    def on_validation_epoch_end(self):
        # after the first verdict nothing but reports is written
        self.validations += 1
        if self.validations > 1:
            self.stand_in_fit("reporting")

    def loader(self, shuffle):
        loader = super().loader(shuffle)
        if self.task != "trials":
            return loader
        return DataLoader(loader.dataset, batch_size=self.batch_size, shuffle=shuffle,
                          num_workers=self.workers, persistent_workers=self.workers > 0)

    def on_save_checkpoint(self, checkpoint):
        self.stand_in_fit("checkpointing")
'''


class Stage:
    """Brings runs of a study to a phase and holds them there."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._holds = project.root / "holds"
        self._holds.mkdir()
        (project.root / "phased.py").write_text(PHASED)

    def study(self, **changes: Any) -> Path:
        """A study of the model above, with a batch size to probe."""
        sections: dict[str, Any] = {
            "model": {"class_path": "phased.Phased"},
            "trainer": {"max_epochs": 8, "accelerator": "cpu", "num_sanity_val_steps": 0},
            "batch": {"auto_scale": "power", "max": 8},
        }
        return self.project.study(**(sections | changes))

    def hold(self, *phases: str, width: int = 1) -> None:
        """Let the next attempt that comes to one of the phases stand still there."""
        for phase in phases:
            self._path(width, phase).with_suffix(".pid").unlink(missing_ok=True)
            self._path(width, phase).touch()

    def held(self, phase: str, width: int = 1) -> int:
        """The process that stands in a phase; 0 while there is none."""
        try:
            return int(self._path(width, phase).with_suffix(".pid").read_text())
        except FileNotFoundError:
            return 0

    def wait(self, process: subprocess.Popen[str], phase: str, width: int = 1) -> int:
        """Wait until an attempt of the run stands in a phase; returns its process."""
        return wait_for(process, lambda: self.held(phase, width), phase)

    def release(self, *phases: str, width: int = 1) -> None:
        for phase in phases:
            self._path(width, phase).unlink(missing_ok=True)

    def release_all(self) -> None:
        for path in self._holds.iterdir():
            path.unlink(missing_ok=True)

    def lock(self) -> sqlite3.Connection:
        """Lock the study's database, as another program could; `close` gives it back."""
        path = self.project.root / "studies/study/study.db"
        connection = sqlite3.connect(path, timeout=30, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        return connection

    def last_event(self, number: int) -> str:
        """What happened last to a trial; empty while there is no such trial."""
        try:
            return str(self.project.events(number)[-1]["event"])
        except (FileNotFoundError, IndexError):
            return ""

    def reported(self, number: int) -> int:
        """How many steps of a trial the events have."""
        events = self.project.events(number)
        return len({event["step"] for event in events if event["event"] == "reported"})

    def _path(self, width: int, phase: str) -> Path:
        return self._holds / f"{width}-{phase}"


def wait_for(process: subprocess.Popen[str], condition: Callable[[], Any], what: str) -> Any:
    """Wait until a condition holds while the process runs."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if result := condition():
            return result
        if process.poll() is not None:
            output, errors = process.communicate()
            pytest.fail(f"ended with {process.returncode} before {what}: {output}{errors}")
        time.sleep(0.01)
    pytest.fail(f"never: {what}")


def state_of(pid: int) -> str:
    """The letter by which the kernel tells what a process does: R, S, T (stopped) ..."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def stop(pid: int, process: subprocess.Popen[str]) -> None:
    """Stop a process and see that it has stopped."""
    os.kill(pid, signal.SIGSTOP)
    wait_for(process, lambda: state_of(pid) == "T", "the stop")


def stop_and_continue(pid: int, process: subprocess.Popen[str]) -> None:
    """Stop a process and let it go on after a while."""
    stop(pid, process)
    time.sleep(0.5)
    os.kill(pid, signal.SIGCONT)
