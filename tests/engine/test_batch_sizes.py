"""Batch sizes: what an epoch allows, whatever limits it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from search.answers import Checked
from search.engine.batch_sizes import plan_batches
from search.engine.trial_start import write_config
from search.errors import UserError
from search.layout import TrialFolder
from search.plain.yaml import read_yaml
from search.study_file.load import parse_study_tree
from search.study_file.schema import StudyFile
from search.wire import decode, encode

PATH = "model.init_args.batch_size"
ACCUMULATION = "trainer.accumulate_grad_batches"


def facts(limit: int | float | None = None, *, drops_last: bool = False) -> Checked:
    said = Checked(
        batch_size_path=PATH, batch_size=8, samples=33, drops_last=drops_last, limit=limit
    )
    told = decode(encode(said))
    assert isinstance(told, Checked)
    return told


def study(accumulation: Any, **sections: Any) -> StudyFile:
    tree = {
        "model": {"class_path": "tiny.Tiny"},
        "objective": {"metric": "val_loss"},
        "space": {ACCUMULATION: {"choice": accumulation}},
        **sections,
    }
    return parse_study_tree(tree, source="study.yaml", default_name="study")


@pytest.mark.parametrize(
    ("limit", "drops_last", "batches", "data"),
    [
        (None, False, 5, "33 samples in batches of 8"),
        (None, True, 4, "33 samples in batches of 8"),
        (3, False, 3, "33 samples, limited to 3 batches, in batches of 8"),
        (2, False, 2, "33 samples, limited to 2 batches, in batches of 8"),
        (1.0, False, 5, "33 samples, limited to 1.0 of its batches, in batches of 8"),
        (0.5, False, 2, "33 samples, limited to 0.5 of its batches, in batches of 8"),
    ],
)
def test_accumulation_beyond_the_limited_epoch_is_refused(
    limit: float | None, drops_last: bool, batches: int, data: str
) -> None:
    told = facts(limit, drops_last=drops_last)
    plan_batches(study([1, batches]), told)
    with pytest.raises(UserError) as caught:
        plan_batches(study([1, batches + 1]), told)
    assert str(caught.value) == (
        f"space.{ACCUMULATION}: {batches + 1} accumulates more than the {batches} batches of an "
        f"epoch ({data}), which is the same run as {batches}. Search no further than {batches}."
    )


@pytest.mark.parametrize(
    ("trainer", "live"),
    [
        ({"limit_train_batches": 3}, 3),
        ({"limit_train_batches": 0.5}, 2),
        ({"overfit_batches": 2}, 2),
        ({}, 4),
    ],
)
def test_accumulation_beyond_a_trials_own_limit_is_reduced(
    tmp_path: Path, trainer: dict[str, Any], live: int
) -> None:
    study_file = study([1, 4], trainer={"max_epochs": 1, **trainer})
    folder = TrialFolder(tmp_path / "0007")
    # the check before any trial saw another limit
    plan = plan_batches(study_file, facts(4))
    note = write_config(folder, study_file, {ACCUMULATION: 4}, plan, {}, None)
    assert read_yaml(folder.config)["trainer"]["accumulate_grad_batches"] == live
    said = f"accumulation 4 reduced to {live}, an epoch has no more batches of 8"
    assert note == (said if live < 4 else None)


def test_probe_is_capped_by_the_data_and_not_by_the_batches_of_the_file() -> None:
    batch = {"auto_scale": "binsearch"}
    assert plan_batches(study([1, 3], batch=batch), facts(3)).cap == 11
    assert plan_batches(study([1, 3], batch=batch), facts(0.5)).cap == 5
