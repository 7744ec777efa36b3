"""Running a study up to where its first attempt would begin."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from search.engine import run
from search.engine.attempt_end import Outcome
from search.engine.opening import open_ledger, plan
from search.engine.request import RunRequest
from search.errors import Interrupted, StudyFileError
from search.layout import StudyFolder
from search.messages import DONE
from search.results.extend import extend
from search.study_file.load import parse_study_tree

TREE = {
    "model": {"class_path": "tiny.Tiny"},
    "objective": {"metric": "val_loss"},
    "space": {"model.init_args.lr": "auto"},
}
RANGE = {"model.init_args.lr": {"float": [0.1, 1.0]}}


def test_ctrl_c_after_the_last_look_at_annotations_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study_file = parse_study_tree(TREE, source="study.yaml", default_name="study")

    def read(*_: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        return study_file

    monkeypatch.setattr(run, "with_ranges", read)
    folder = StudyFolder(tmp_path / "studies/study")
    request = RunRequest(folder, study_file, "study.yaml", tmp_path)
    with pytest.raises(Interrupted):
        run.run_study(request, Mock())
    assert not folder.root.exists()


def request_of(
    folder: StudyFolder,
    *,
    trials: int | None = None,
    timeout_s: float | None = None,
    **sections: Any,
) -> RunRequest:
    study_file = parse_study_tree(
        {**TREE, **sections}, source="study.yaml", default_name=folder.name
    )
    return RunRequest(
        folder, study_file, "study.yaml", folder.root, trials=trials, timeout_s=timeout_s
    )


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    """A study with one complete trial, whose range stood in an annotation."""
    folder = StudyFolder(tmp_path / "studies/study")
    study_file = request_of(folder, space=RANGE).study_file
    ledger = open_ledger(plan(folder, study_file, None), 1)
    number = ledger.sample()
    ledger.begin_attempt(number, os.getpid())
    ledger.report(number, 1, 1, 0.5)
    ledger.end_attempt(number, Outcome(DONE, 0.5))
    return folder


def test_trials_to_go_are_also_those_that_wait(folder: StudyFolder) -> None:
    ledger = open_ledger(plan(folder, request_of(folder, space=RANGE).study_file, None), 3)
    assert [run.trials_to_go(ledger, total) for total in (None, 1, 4)] == [None, 0, 3]
    for _ in range(2):
        ledger.begin_attempt(ledger.sample(), os.getpid())
    ledger.heal()
    assert [run.trials_to_go(ledger, total) for total in (1, 4)] == [2, 3]


def test_threads_of_a_study_are_those_that_it_began_with(folder: StudyFolder) -> None:
    ledger = open_ledger(plan(folder, request_of(folder, space=RANGE).study_file, None), 3)
    ledger.common.set_threads(4, "as measured")
    # a machine with fewer cores
    ledger.common.set_threads(2, "fewer cores")
    assert ledger.common.threads == 4


def test_study_that_has_its_ranges_needs_no_time_for_annotations(folder: StudyFolder) -> None:
    request = request_of(folder, trials=1, timeout_s=0.0)
    assert [trial.state for trial in run.run_study(request, Mock()).trials] == ["COMPLETE"]


def test_secret_in_what_may_change_is_not_written_down(folder: StudyFolder) -> None:
    before = folder.study_file.read_bytes()
    logger = {"name": "csv", "prefix": "--token=planted-1"}
    with pytest.raises(StudyFileError) as caught:
        run.run_study(request_of(folder, trials=1, logger=logger), Mock())
    assert str(caught.value) == (
        "study.yaml: logger.0.prefix: is or holds a secret, and a study writes its configuration "
        "down. Let the code read it from the environment."
    )
    assert folder.study_file.read_bytes() == before


def test_secret_in_the_study_file_of_a_child_is_not_written_down(folder: StudyFolder) -> None:
    child = StudyFolder(folder.root.with_name("child"))
    model = {"class_path": "tiny.Tiny", "init_args": {"hub": "--token=planted-1"}}
    study_file = request_of(child, space=RANGE, model=model).study_file
    with pytest.raises(StudyFileError) as caught:
        extend(folder, child, study_file, {}, source="child.yaml")
    assert str(caught.value) == (
        "child.yaml: model.init_args.hub: is or holds a secret, and a study writes its "
        "configuration down. Let the code read it from the environment."
    )
    assert not child.root.exists()
