"""The way of a branch through the trials before it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from search.store.lineage import Stretch, lineage_of
from search.store.records import BranchRecord, ObjectiveRecord, StudyRecord, TrialRecord


def trial(number: int, epoch: int, branch: tuple[int, int] | None = None) -> TrialRecord:
    """A trial that came to `epoch`, and began at the checkpoint of another, (number, epoch)."""
    return TrialRecord(
        number=number,
        state="COMPLETE",
        params={"model.lr": float(number)},
        value=None,
        curve={},
        folder=Path("trials") / f"{number:04d}",
        furthest_epoch=epoch,
        branch=None if branch is None else BranchRecord(branch[0], branch[1], branch[1], 0),
    )


def study(*trials: TrialRecord) -> StudyRecord:
    return StudyRecord(
        name="study",
        folder=Path("study"),
        storage="sqlite://",
        trials=trials,
        objectives=(ObjectiveRecord("val_loss", "minimize"),),
        reported="val_loss",
        n_trials=None,
        space={},
    )


def test_each_trial_has_the_epochs_that_it_trained_itself() -> None:
    record = study(trial(0, 20), trial(1, 5), trial(2, 9, (0, 3)), trial(3, 20, (2, 6)))
    assert lineage_of(record, record.trials[3]) == [
        Stretch(0, 1, 3, {"model.lr": 0.0}),
        Stretch(2, 4, 6, {"model.lr": 2.0}),
        Stretch(3, 7, 20, {"model.lr": 3.0}),
    ]


def test_trial_that_began_by_itself_has_none() -> None:
    record = study(trial(0, 20))
    assert lineage_of(record, record.trials[0]) == []


@pytest.mark.parametrize("source", [3, 4, 9])
def test_damaged_branch_leads_nowhere(source: int) -> None:
    record = study(trial(0, 1), trial(1, 1), trial(2, 1), trial(3, 20, (0, 6)), trial(4, 1, (3, 1)))
    damaged = replace(record.trials[3], branch=BranchRecord(source, 6, 6, 0))
    record = replace(record, trials=(*record.trials[:3], damaged, record.trials[4]))
    assert [each.trial for each in lineage_of(record, damaged)] == [3]
