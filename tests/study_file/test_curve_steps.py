"""What the steps of a study count is decided by where its trials validate, and what they share."""

from __future__ import annotations

from typing import Any

import pytest

from search.study_file.curve_steps import steps_of
from search.study_file.load import parse_study_tree

LR = {"model.lr": {"float": [0.1, 1.0]}}
BATCH = {**LR, "data.batch_size": {"int": [1, 9]}}
HALF = {"val_check_interval": 0.5}
OVER = {"val_check_interval": 30, "check_val_every_n_epoch": None}


@pytest.mark.parametrize(
    ("trainer", "space", "more", "unit"),
    [
        ({}, BATCH, {}, "epochs"),
        ({"val_check_interval": 1.0, "check_val_every_n_epoch": 2}, BATCH, {}, "epochs"),
        (HALF, LR, {}, "validations"),
        (OVER, LR, {}, "validations"),
        ({"val_check_interval": 1}, LR, {}, "validations"),
        (HALF, BATCH, {}, "samples"),
        (OVER, BATCH, {}, "samples"),
        (HALF, LR, {"batch": {"auto_scale": "power"}}, "samples"),
        (HALF, LR, {"derive": {"data.crop": "3"}}, "samples"),
        (HALF, {"trainer.limit_train_batches": {"int": [2, 9]}}, {}, "samples"),
        ({}, {"trainer.val_check_interval": {"float": [0.1, 1.0]}}, {}, "samples"),
        ({}, {"trainer.accumulate_grad_batches": {"int": [1, 4]}}, {}, "epochs"),
        (HALF, {"trainer.accumulate_grad_batches": {"int": [1, 4]}}, {}, "validations"),
    ],
)
def test_steps_count_what_can_be_compared(
    trainer: dict[str, Any], space: dict[str, Any], more: dict[str, Any], unit: str
) -> None:
    tree = {
        "model": {"class_path": "a.Net"},
        "data": {"class_path": "a.Data"},
        "objective": {"metric": "val_loss"},
        "trainer": trainer,
        "space": space,
        **more,
    }
    study_file = parse_study_tree(tree, source="s.yaml", default_name="s")
    assert steps_of(study_file, leaves_ends=False, epoch_samples=7).unit == unit


def test_trainer_that_a_cli_made_counts_too() -> None:
    tree = {
        "model": {"class_path": "a.Net"},
        "data": {"class_path": "a.Data"},
        "objective": {"metric": "val_loss"},
        "space": BATCH,
    }
    study_file = parse_study_tree(tree, source="s.yaml", default_name="s")
    assert steps_of(study_file, leaves_ends=True, epoch_samples=7).unit == "samples"
