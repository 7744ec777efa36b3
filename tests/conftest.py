"""What every test stands on: the real command, and a tiny project to train."""

from __future__ import annotations

import functools
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from alembic.util import pyfiles
from channel_end import Coordinator
from faults.table import settle

SEARCH = Path(sys.executable).with_name("search")

TINY = '''
import os, signal, time
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, TensorDataset


class Tiny(pl.LightningModule):
    """Fits y = 2x; `mode` is what goes wrong, from epoch `when` on."""

    def __init__(self, lr: float = 0.1, width: int = 4, mode: str = "fine", when: int = 0,
                 pause: float = 0.0, batch_size: int = 8):
        super().__init__()
        self.save_hyperparameters()
        self.lr, self.mode, self.when, self.pause = lr, mode, when, pause
        self.batch_size = batch_size
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(1, width), torch.nn.Dropout(0.1), torch.nn.Linear(width, 1))

    def training_step(self, batch, batch_idx):
        if self.current_epoch >= self.when and not self.trainer.fast_dev_run:
            self.go_wrong()
        time.sleep(self.pause)
        x, y = batch
        if self.mode == "small_device" and len(x) > 20 and self.current_epoch >= self.when:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return torch.nn.functional.mse_loss(self.layers(x), y)

    def go_wrong(self):
        if self.mode == "raise":
            raise RuntimeError("the layer is on fire")
        if self.mode == "hang":
            time.sleep(3600)
        if self.mode == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.mode == "exit":
            os._exit(7)
        if self.mode == "oom":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    def validation_step(self, batch, batch_idx):
        x, y = batch
        loss = torch.nn.functional.mse_loss(self.layers(x), y)
        if self.mode == "nan" and self.current_epoch >= self.when:
            loss = loss * float("nan")
        self.log("val_loss", loss)
        self.log("val_score", 1.0 / (1.0 + loss))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.lr)

    def loader(self, shuffle):
        x = torch.linspace(-1, 1, 32).unsqueeze(1)
        return DataLoader(TensorDataset(x, 2 * x), batch_size=self.batch_size, shuffle=shuffle)

    def train_dataloader(self):
        return self.loader(True)

    def val_dataloader(self):
        return self.loader(False)
'''


@dataclass(frozen=True)
class Project:
    """A user's folder with a module `tiny` and the command `search`."""

    root: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def study(self, name: str = "study", **changes: Any) -> Path:
        """Write a study file; `changes` replace its sections, None removes one."""
        tree: dict[str, Any] = {
            "model": {"class_path": "tiny.Tiny"},
            "trainer": {"max_epochs": 3, "accelerator": "cpu", "num_sanity_val_steps": 0},
            "objective": {"metric": "val_loss"},
            "space": {"model.init_args.lr": {"float": [1e-3, 1e-1], "log": True}},
            "pruner": "none",
            "budget": {"trials": 3},
            "seed": 1,
        }
        tree |= changes
        path = self.root / f"{name}.yaml"
        path.write_text(yaml.safe_dump({k: v for k, v in tree.items() if v is not None}))
        return path

    def environment(self) -> dict[str, str]:
        return {**os.environ, "HOME": str(self.root), "COLUMNS": "200", "NO_COLOR": "1"}

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start `search` with its output in pipes; a study has one worker where the test does not
        say otherwise, so that its trials are sampled and end in one order."""
        given = [str(each) for each in arguments]
        if given[:1] in (["run"], ["resume"], ["confirm"]) and "--workers" not in given:
            given[1:1] = ["--workers", "1"]
        process = subprocess.Popen(
            [SEARCH, *given],
            cwd=self.root,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run `search` to its end."""
        with self.start(*arguments) as process:
            try:
                output, errors = process.communicate(timeout=240)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def python(self, script: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a script of the user's by Python itself, in the folder of the project."""
        return subprocess.run(
            [sys.executable, script],
            cwd=self.root,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    def query(self, text: str, study: str = "study") -> list[tuple[Any, ...]]:
        """Rows of the study's database, read by SQLite alone."""
        path = self.root / "studies" / study / "study.db"
        # read only, because SQLite would create a file that is missing
        with closing(
            sqlite3.connect(f"{path.as_uri()}?mode=ro", timeout=30, uri=True)
        ) as connection:
            return connection.execute(text).fetchall()

    def states(self, study: str = "study") -> list[str]:
        """State of each trial, in the order of their numbers."""
        return [row[0] for row in self.query("SELECT state FROM trials ORDER BY number", study)]

    def curves(self, study: str = "study") -> dict[int, dict[int, float]]:
        """Number of each trial -> step -> value."""
        curves: dict[int, dict[int, float]] = {}
        for number, step, value in self.query(
            "SELECT number, step, intermediate_value FROM trials JOIN trial_intermediate_values "
            "USING (trial_id) ORDER BY number, step",
            study,
        ):
            curves.setdefault(number, {})[step] = value
        return curves

    def epochs(self, number: int = 0, study: str = "study") -> int:
        """How many values the trial has reported; 0 while there is no study yet."""
        try:
            return len(self.curves(study).get(number, {}))
        except sqlite3.OperationalError:
            return 0

    def events(self, number: int, study: str = "study") -> list[dict[str, Any]]:
        """The lines of a trial's events file."""
        path = self.root / "studies" / study / "trials" / f"{number:04d}" / "events.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "tiny.py").write_text(TINY)
    project = Project(tmp_path)
    yield project
    for process in project.started:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def shared_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("project")
    (root / "tiny.py").write_text(TINY)
    return Project(root)


@pytest.fixture
def coordinator() -> Iterator[Coordinator]:
    made = Coordinator()
    yield made
    made.channel.close()
    made.selector.close()


@pytest.fixture
def wait_for() -> Callable[..., Any]:
    """Wait until a condition holds; fails with its name when it never does."""

    def wait(condition: Callable[[], Any], what: str, timeout_s: float = 120.0) -> Any:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if result := condition():
                return result
            time.sleep(0.02)
        pytest.fail(f"never: {what}")

    return wait


def attempts_of(parent: int) -> list[int]:
    """Processes of ours whose environment carries the marker of this test worker."""
    marker = f"SEARCH_TEST_WORKER={parent}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (
                b"search.trial" in (process / "cmdline").read_bytes()
                and marker in (process / "environ").read_bytes()
            ):
                found.append(int(process.name))
        except OSError:
            continue
    return found


@pytest.fixture(autouse=True)
def guarded(tmp_path: Path) -> Iterator[None]:
    """Keep tests off the real home and the GPU, and mark the processes that they start.

    What a test leaves in the environment ends with it: Lightning sets OMP_NUM_THREADS in the
    process of a distributed fit, from which `search run` would conclude that the user did.
    """
    own = {"CUDA_VISIBLE_DEVICES": "", "HOME": str(tmp_path)}
    with mock.patch.dict(os.environ, own, SEARCH_TEST_WORKER=str(os.getpid())):
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start the command, which `scripts/check` leaves out."""
    for item in items:
        if {"project", "shared_project"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.real)


def pytest_sessionstart() -> None:
    """Give each worker of pytest-xdist, and all that it starts, one core of its own.

    Attempts that share their cores with another worker's wait for each other's threads in a loop:
    a trial of a second took up to forty.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker and hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})


def pytest_configure() -> None:
    """Load the revisions of Optuna's tables once: Alembic reads them anew for each database."""
    pyfiles.load_module_py = functools.cache(pyfiles.load_module_py)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Rows of the table of faults that need the outcome of many tests."""
    by_outcome = {
        outcome: {report.nodeid for report in terminalreporter.getreports(outcome)}
        for outcome in ("passed", "failed", "error")
    }
    settle(by_outcome["passed"], by_outcome["failed"] | by_outcome["error"])


def plain(text: str) -> str:
    """Text with runs of blanks as one."""
    return re.sub(r"[ \t]+", " ", text)
