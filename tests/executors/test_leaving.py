"""What is left of a trial's process when the next trial begins, and of the toy in the server."""

from __future__ import annotations

import sys
import time

import psutil
import pytest
from conftest import Project

LEAVES_A_CHILD = """
import pathlib, subprocess
from tiny import Tiny

PLACE = pathlib.Path(__file__).with_name("child")
MEMORY = []


class Net(Tiny):
    def __init__(self, lr=0.1):
        super().__init__(lr)
        if PLACE.exists() and pathlib.Path("/proc", PLACE.read_text()).exists():
            raise RuntimeError("what the trial before has started is still there")

    def on_fit_end(self):
        # takes the kernel a while to take down
        MEMORY.append(b"1" * 800_000_000)
        child = subprocess.Popen(["sleep", "1000"], start_new_session=True)
        PLACE.write_text(str(child.pid))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")
def test_no_trial_begins_beside_what_the_one_before_has_started(project: Project) -> None:
    (project.root / "net.py").write_text(LEAVES_A_CHILD)
    study = project.study(model={"class_path": "net.Net"})
    result = project.run("run", study, "--trials", "3")
    assert result.returncode == 0, result.stdout + result.stderr
    assert project.states("study") == ["COMPLETE"] * 3


def test_process_that_attempts_are_forked_from_has_one_thread(project: Project) -> None:
    """A second one would hold locks in every fork that nobody there releases."""
    study = project.study(model={"class_path": "tiny.Tiny", "init_args": {"pause": 0.05}})
    process = project.start("run", study, "--trials", "2")
    while not (project.root / "studies/study/trials/0000/events.jsonl").exists():
        assert process.poll() is None
        time.sleep(0.1)
    (guardian,) = psutil.Process(process.pid).children()
    (server,) = guardian.children()
    assert server.num_threads() == 1
    assert process.wait(120) == 0
