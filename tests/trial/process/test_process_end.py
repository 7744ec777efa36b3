"""The end of an attempt's process: what its user's code left open, registered, or started."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import Project

LEAVING = '''
import atexit, gzip, multiprocessing, os, subprocess, sys, tempfile, threading, time
from pathlib import Path
from tiny import Tiny

MODULE_FILE = open("module.txt", "a")
# of a whole study, as a cache that all of its trials ask
SHARED = multiprocessing.get_context("fork").Process(target=time.sleep, args=(3600,), daemon=True)
SHARED.start()
STARTED = subprocess.Popen(["sleep", "3600"])
DAEMON = """
import os, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
open("daemon.tmp", "w").write(str(os.getpid()))
os.rename("daemon.tmp", "daemon.pid")
time.sleep(3600)
"""


class Leaving(Tiny):
    """Leaves something behind in a fit of five epochs, as trials have and no check has."""

    def __init__(self, leaves: str = "files", pause: float = 0.0):
        super().__init__(pause=pause)
        self.leaves = leaves

    def on_fit_start(self):
        if self.trainer.max_epochs != 5:
            return
        for each in (SHARED, STARTED):
            os.kill(each.pid, 0)
        self.text = open(f"{self.leaves}.txt", "w")
        self.text.write("whole")
        self.packed = gzip.open(f"{self.leaves}.gz", "wt")
        self.packed.write("whole")
        MODULE_FILE.write(f"{self.leaves} ")
        atexit.register(self.packed.write, " and late")
        self.folder = tempfile.TemporaryDirectory(prefix="scratch-", dir=".")
        atexit.register(Path(f"{self.leaves}.exit").write_text, "ran")
        if self.leaves == "a thread":
            threading.Thread(target=time.sleep, args=(3600,)).start()
        if self.leaves == "a handler":
            atexit.register(time.sleep, 3600)
        if self.leaves == "processes":
            subprocess.run([sys.executable, "-c", DAEMON])
            own_session = subprocess.Popen(["sleep", "3600"], start_new_session=True)
            Path("session.pid").write_text(str(own_session.pid))
'''
FIVE = {"max_epochs": 5, "accelerator": "cpu", "num_sanity_val_steps": 0}
LEAVES = ["files", "a thread", "a handler", "processes"]


def started(project: Project) -> list[int]:
    """The processes that the model has started; none before all are."""
    paths = [project.root / name for name in ("session.pid", "daemon.pid")]
    return [int(path.read_text()) for path in paths] if all(p.exists() for p in paths) else []


def are_gone(pids: list[int]) -> bool:
    return not any(
        psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        for pid in pids
    )


@pytest.fixture(scope="module")
def left(shared_project: Project) -> Project:
    (shared_project.root / "leaving.py").write_text(LEAVING)
    path = shared_project.study(
        model={"class_path": "leaving.Leaving"},
        trainer=FIVE,
        sampler="grid",
        space={"model.init_args.leaves": {"choice": LEAVES}},
        budget={"trials": len(LEAVES)},
    )
    result = shared_project.run("run", path)
    assert result.returncode == 0, result.stdout + result.stderr
    return shared_project


@pytest.mark.parametrize("leaves", LEAVES)
def test_open_files_are_written_and_exit_handlers_run(left: Project, leaves: str) -> None:
    assert (left.root / f"{leaves}.txt").read_text() == "whole"
    assert gzip.decompress((left.root / f"{leaves}.gz").read_bytes()) == b"whole and late"
    assert (left.root / f"{leaves}.exit").read_text() == "ran"


def test_file_of_a_module_gets_what_each_attempt_wrote_once(left: Project) -> None:
    text = (left.root / "module.txt").read_text()
    assert sorted(text.split()) == sorted(" ".join(LEAVES).split())


SHARING = """
import atexit, gzip, os
from search.trial.process import process_end

packed = gzip.open("shared.gz", "wb")
packed.write(b"before ")
inherited = process_end.open_files()
process_end.flush(inherited)
for _ in range(2):
    child = os.fork()
    if child == 0:
        process_end.forget_parent()
        process_end.end(0, inherited)
    os.waitpid(child, 0)
packed.write(b"after")
packed.close()
"""


def test_compressed_file_of_a_module_stays_open_and_whole(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", SHARING],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert gzip.decompress((tmp_path / "shared.gz").read_bytes()) == b"before after"


def test_temporary_folders_are_removed_and_what_hung_is_in_the_log(left: Project) -> None:
    assert not list(left.root.glob("scratch-*"))
    logs = [path.read_text() for path in (left.root / "studies/study/trials").glob("*/log.txt")]
    hung = [log for log in logs if "not over after 2 s, and not waited for any longer" in log]
    assert len(hung) == 2
    assert set(left.states()) == {"COMPLETE"}


def test_processes_end_with_their_attempt_wherever_they_went(left: Project) -> None:
    assert are_gone(started(left))


def test_processes_end_though_all_that_could_end_them_is_killed_at_once(
    project: Project, wait_for: Callable[..., Any]
) -> None:
    (project.root / "leaving.py").write_text(LEAVING)
    path = project.study(
        model={"class_path": "leaving.Leaving", "init_args": {"leaves": "processes"}},
        trainer=FIVE,
        space={"model.init_args.pause": {"float": [0.1, 0.2]}},
        budget={"trials": 1},
    )
    process = project.start("run", path)
    wait_for(lambda: project.epochs() >= 1 and started(project), "an epoch")
    coordinator, server, attempt = processes_of(project, process.pid)
    pids = started(project)
    kill(coordinator, server, attempt)
    process.communicate()
    wait_for(lambda: are_gone(pids), "the end of the processes", timeout_s=20)

    for name in ("session.pid", "daemon.pid"):
        (project.root / name).unlink()
    process = project.start("resume", "study")
    wait_for(lambda: started(project), "the processes of the next attempt")
    coordinator, server, attempt = processes_of(project, process.pid)
    guardian = server.parent()
    assert guardian is not None
    pids = started(project)
    kill(coordinator, guardian, server, attempt)
    process.communicate()
    # nobody is left who could, until the next start
    assert not are_gone(pids)
    result = project.run("resume", "study")
    assert result.returncode == 0, result.stderr
    assert are_gone(pids)
    assert project.states() == ["COMPLETE"]


def processes_of(project: Project, coordinator: int) -> tuple[psutil.Process, ...]:
    """Coordinator, fork server, and the last attempt at the first trial."""
    starts = [each for each in project.events(0) if each["event"] == "attempt_started"]
    attempt = psutil.Process(int(starts[-1]["pid"]))
    server = attempt.parent()
    assert server is not None
    return psutil.Process(coordinator), server, attempt


def kill(*processes: psutil.Process) -> None:
    for each in processes:
        os.kill(each.pid, signal.SIGKILL)
