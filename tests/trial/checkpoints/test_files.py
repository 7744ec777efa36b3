"""Checkpoints that were damaged: training goes on from the one before."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Project

from search.layout import TrialFolder
from search.trial.checkpoints.files import is_intact, kept_state, resume_point


def checkpoint(path: Path, number: int = 0) -> None:
    generator = torch.Generator().manual_seed(number)
    torch.save({"weights": torch.rand(2000, generator=generator), "epoch": number}, path)


def flipped(path: Path, offset: int) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= 0xFF
    path.write_bytes(bytes(content))


DAMAGE: dict[str, Callable[[Path], Any]] = {
    "missing": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("not a checkpoint"),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-500]),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "weights changed": lambda path: flipped(path, path.stat().st_size // 2),
    "zeros in the middle": lambda path: path.write_bytes(
        path.read_bytes()[:2000] + bytes(2000) + path.read_bytes()[4000:]
    ),
}

CUT = """
import os, signal
import search.trial.checkpoints.writer as writer
from pathlib import Path
from search.trial.fitting.save_interval import SaveInterval
from tiny import Tiny

keep_copy = writer.keep_copy
SaveInterval.is_earned = True  # at the end of every epoch


class Cut(Tiny):
    def __init__(self, lr: float = 0.1, width: int = 4, batch_size: int = 8, best: int = 0):
        super().__init__(lr=lr, width=width, batch_size=batch_size)
        self.best = best

    def on_fit_start(self):
        def cut(source, target):
            first = not Path("died").exists()
            first = first and "studies" in target.parts  # not in the look before the study
            if first and target.name == "best.ckpt" and self.current_epoch == self.best:
                Path("died").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            keep_copy(source, target)
        writer.keep_copy = cut

    def log(self, name, value):
        worse = abs(self.current_epoch - self.best)
        super().log(name, value * 0 + 0.5 + worse if name == "val_loss" else value)
"""


@pytest.fixture
def folder(tmp_path: Path) -> TrialFolder:
    folder = TrialFolder(tmp_path)
    checkpoint(folder.previous_ckpt, 1)
    checkpoint(folder.last_ckpt, 2)
    return folder


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_checkpoint_falls_back_to_the_one_before(folder: TrialFolder, damage: str) -> None:
    assert resume_point(folder) == folder.last_ckpt
    DAMAGE[damage](folder.last_ckpt)
    assert resume_point(folder) == folder.previous_ckpt
    DAMAGE[damage](folder.previous_ckpt)
    assert resume_point(folder) is None


@pytest.mark.parametrize("damage", [name for name in DAMAGE if name != "missing"])
def test_damaged_best_checkpoint_makes_training_begin_anew(
    folder: TrialFolder, damage: str
) -> None:
    shutil.copyfile(folder.previous_ckpt, folder.best_ckpt)
    assert resume_point(folder) == folder.last_ckpt
    DAMAGE[damage](folder.best_ckpt)
    assert resume_point(folder) is None


def test_changed_bytes_that_matter_are_all_noticed(folder: TrialFolder) -> None:
    whole = folder.last_ckpt.read_bytes()
    kept = torch.load(folder.last_ckpt, weights_only=True)
    random.seed(5)
    for _ in range(300):
        folder.last_ckpt.write_bytes(whole)
        flipped(folder.last_ckpt, random.randrange(len(whole)))
        if is_intact(folder.last_ckpt):
            # it hit the padding between records
            loaded = torch.load(folder.last_ckpt, weights_only=True)
            assert torch.equal(loaded["weights"], kept["weights"])
            assert loaded["epoch"] == kept["epoch"]


def test_trial_with_a_damaged_checkpoint_ends_with_the_value_it_would_have_had(
    project: Project, wait_for: Callable[..., Any]
) -> None:
    slow = {"class_path": "tiny.Tiny", "init_args": {"pause": 0.05}}
    epochs = {"max_epochs": 40, "accelerator": "cpu", "num_sanity_val_steps": 0}
    same = {"model": slow, "trainer": epochs, "budget": {"trials": 1}}
    reference = project.study(
        "reference", objective={"metric": "val_loss", "value": "last"}, **same
    )
    assert project.run("run", reference, "--quiet").returncode == 0
    path = project.study("study", objective={"metric": "val_loss", "value": "last"}, **same)
    process = project.start("run", path)
    folder = TrialFolder(project.root / "studies/study/trials/0000")
    wait_for(folder.previous_ckpt.exists, "a second checkpoint")
    process.kill()
    process.communicate()
    assert is_intact(folder.last_ckpt) and is_intact(folder.previous_ckpt)
    # best.ckpt is mostly the same file as last.ckpt
    content = folder.last_ckpt.read_bytes()
    folder.last_ckpt.unlink()
    folder.last_ckpt.write_bytes(content[: len(content) // 2])
    result = project.run("resume", "study")
    assert result.returncode == 0, result.stderr
    assert project.curves("study") == project.curves("reference")
    assert "Traceback" not in result.stdout + result.stderr


@pytest.mark.parametrize("left", ["none", "old"])
def test_trial_cut_off_between_last_and_best_ends_with_the_checkpoint_of_its_value(
    project: Project, left: str
) -> None:
    """The one epoch that is the best is saved as last.ckpt, and the attempt dies; no later one is
    better."""
    (project.root / "cut.py").write_text(CUT)
    path = project.study(
        model={"class_path": "cut.Cut", "init_args": {"best": 1 if left == "old" else 0}},
        budget={"trials": 1},
    )
    result = project.run("run", path)
    assert result.returncode == 0, result.stdout + result.stderr
    causes = [each["cause"] for each in project.events(0) if each["event"] == "attempt_ended"]
    assert causes == ["killed", "done"], result.stdout
    ((value,),) = project.query("SELECT value FROM trial_values")
    folder = TrialFolder(project.root / "studies/study/trials/0000")
    assert kept_state(folder.best_ckpt)["best"] == value == 0.5


def test_trial_whose_best_checkpoint_is_gone_begins_anew(folder: TrialFolder) -> None:
    for path, is_best in ((folder.last_ckpt, False), (folder.best_ckpt, True)):
        state = {"best": 0.5, "is_best": is_best}
        torch.save({"callbacks": {"CheckpointKeeper": state}}, path)
    assert resume_point(folder) == folder.last_ckpt
    folder.best_ckpt.unlink()
    assert resume_point(folder) is None
