"""What attempts see of GPUs. None is here: a library that brings CUDA up is pretended, by the mark
that torch sets then, and by what a fork of such a process gets to hear."""

from __future__ import annotations

import pytest
import yaml
from conftest import Project

from search.executors.local import LocalExecutor
from search.layout import TrialFolder
from search.messages import Exited, Slot

LIBRARY = """
import os
import torch

torch.cuda._initialized = True
forks = []
os.register_at_fork(after_in_child=lambda: forks.append(os.getpid()))


def compute():
    if forks:
        raise RuntimeError("Cannot re-initialize CUDA in forked subprocess.")
"""
AT_ONCE = """
import cudalike
from tiny import Tiny


class Net(Tiny):
    def training_step(self, batch, batch_idx):
        cudalike.compute()
        return super().training_step(batch, batch_idx)
"""
IN_A_STEP = """
from tiny import Tiny


class Net(Tiny):
    def training_step(self, batch, batch_idx):
        import cudalike

        cudalike.compute()
        return super().training_step(batch, batch_idx)
"""


@pytest.mark.parametrize(("model", "culprit"), [(AT_ONCE, "net"), (IN_A_STEP, "cudalike")])
def test_library_that_brings_cuda_up_is_imported_by_each_attempt(
    project: Project, model: str, culprit: str
) -> None:
    (project.root / "cudalike.py").write_text(LIBRARY)
    (project.root / "net.py").write_text(model)
    path = project.study(model={"class_path": "net.Net"}, budget={"trials": 2})
    result = project.run("run", path, "--workers", "2")
    assert result.returncode == 0, result.stdout + result.stderr
    assert project.states() == ["COMPLETE", "COMPLETE"]
    line = (
        f"{culprit} brings CUDA up when it is imported, so every trial imports the project anew, "
        "which takes seconds\n"
    )
    assert result.stdout.count(line) == 1


def test_attempt_sees_the_gpus_of_its_slot_and_no_others(project: Project) -> None:
    (project.root / "seen.py").write_text(
        "import os\nfrom tiny import Tiny\n\n\nclass Seen(Tiny):\n    def __init__(self):\n"
        "        super().__init__()\n        print('seen', os.environ['CUDA_VISIBLE_DEVICES'])\n"
    )
    executor = LocalExecutor(
        ["seen.Seen"], [str(project.root)], server_log=project.root / "server.log"
    )
    logs = []
    try:
        for attempt, gpus in (("one", ("MIG-1a",)), ("two", ("5", "3")), ("three", None)):
            folder = TrialFolder(project.root / attempt)
            folder.root.mkdir()
            folder.config.write_text(
                yaml.safe_dump(
                    {"model": {"class_path": "seen.Seen"}, "objective": {"metric": "val_loss"}}
                )
            )
            executor.start(attempt, "check", folder, Slot(1, gpus=gpus))
            while not any(isinstance(message, Exited) for _, message in executor.poll(60)):
                pass
            logs.append(folder.log.read_text().splitlines()[0])
    finally:
        executor.close()
    assert logs == ["seen MIG-1a", "seen 5,3", "seen "]
