"""Checkpoints in memory, and what becomes of them on the disk."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lightning.pytorch import Trainer

from search.layout import TrialFolder
from search.trial.checkpoints.held_copy import Content
from search.trial.checkpoints.writer import CheckpointWriter

TRAINER: Any = SimpleNamespace(strategy=SimpleNamespace(barrier=lambda: None))


@pytest.fixture
def folder(tmp_path: Path) -> TrialFolder:
    folder = TrialFolder(tmp_path)
    folder.last_ckpt.write_bytes(b"first")
    return folder


@pytest.fixture
def writer(folder: TrialFolder, monkeypatch: pytest.MonkeyPatch) -> CheckpointWriter:
    """One whose checkpoints are `1`, `2` and so on."""
    contents = (memoryview(str(number).encode()) for number in range(1, 9))

    def held(trainer: Trainer) -> Content:
        content = next(contents)
        return lambda: content

    monkeypatch.setattr("search.trial.checkpoints.writer._held", held)
    return CheckpointWriter(folder)


def test_nothing_is_held_before_the_first_checkpoint_tells_its_size(folder: TrialFolder) -> None:
    trainer = Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    writer = CheckpointWriter(folder)
    assert writer.can_hold(trainer)
    folder.last_ckpt.unlink()
    assert not writer.can_hold(trainer)


def test_epoch_that_is_the_best_is_written_once(
    folder: TrialFolder, writer: CheckpointWriter
) -> None:
    writer.hold(TRAINER, is_best=True, is_last=True)
    writer.write_held(TRAINER)
    assert folder.last_ckpt.read_bytes() == b"1"
    assert folder.best_ckpt.samefile(folder.last_ckpt)
    assert folder.previous_ckpt.read_bytes() == b"first"


def test_best_is_the_one_that_the_last_epoch_knew(
    folder: TrialFolder, writer: CheckpointWriter
) -> None:
    writer.hold(TRAINER, is_best=True, is_last=True)
    writer.hold(TRAINER, is_best=False, is_last=True)
    # within the epoch that is repeated
    writer.hold(TRAINER, is_best=True, is_last=False)
    writer.write_held(TRAINER)
    assert folder.last_ckpt.read_bytes() == b"2"
    assert folder.best_ckpt.read_bytes() == b"1"


def test_best_within_an_epoch_is_not_written_where_no_end_is_held(
    folder: TrialFolder, writer: CheckpointWriter
) -> None:
    writer.hold(TRAINER, is_best=True, is_last=False)
    writer.write_held(TRAINER)
    assert folder.last_ckpt.read_bytes() == b"first"
    assert not folder.best_ckpt.exists()
