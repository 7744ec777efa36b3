"""Where an attempt starts of a trial that was told to wait, or begins at another's checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from search.errors import UserError
from search.layout import TrialFolder
from search.trial.fitting.branch_start import source_point, waits_at
from search.trial.fitting.step_counter import StepCounter


@pytest.fixture
def folder(tmp_path: Path) -> TrialFolder:
    return TrialFolder(tmp_path)


def checkpoint_at(path: Path, step: int) -> Path:
    counter = StepCounter("epochs")
    counter.step = step
    torch.save({"callbacks": {counter.state_key: counter.state_dict()}}, path)
    return path


@pytest.mark.parametrize(("step", "waits"), [(3, True), (2, False)])
def test_attempt_waits_where_the_checkpoint_of_its_verdict_is_there(
    folder: TrialFolder, step: int, waits: bool
) -> None:
    folder.wait.write_text(json.dumps({"step": 3}))
    assert waits_at(folder, checkpoint_at(folder.last_ckpt, step)) is waits


def test_attempt_that_nobody_told_to_wait_trains(folder: TrialFolder) -> None:
    assert not waits_at(folder, checkpoint_at(folder.last_ckpt, 3))
    folder.wait.write_text(json.dumps({"step": 3}))
    assert not waits_at(folder, None)


@pytest.mark.parametrize("content", [None, b"half of it"])
def test_checkpoint_to_begin_at_that_is_gone_or_damaged_is_told(
    folder: TrialFolder, content: bytes | None
) -> None:
    if content is not None:
        folder.source_ckpt.write_bytes(content)
    with pytest.raises(UserError) as raised:
        source_point(folder)
    assert str(raised.value) == (
        f"{folder.source_ckpt}: is missing or damaged, and the trial begins there. "
        "Restore it from a copy."
    )
