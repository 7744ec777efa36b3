"""What a running study writes into its database, row by row, as Optuna would."""

from __future__ import annotations

import math
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from database_state import disagreements

from search.engine.attempt_end import Outcome
from search.engine.ledger import Ledger
from search.engine.opening import open_ledger, plan
from search.layout import StudyFolder
from search.messages import DONE
from search.study_file.load import parse_study_tree


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path / "studies" / "study")


def opened(folder: StudyFolder) -> Ledger:
    tree = {
        "model": {"class_path": "tiny.Tiny"},
        "objective": {"metric": "val_loss"},
        "space": {"model.init_args.lr": {"float": [1e-3, 1e-1], "log": True}},
        "sampler": "random",
    }
    study_file = parse_study_tree(tree, source="study.yaml", default_name=folder.name)
    return open_ledger(plan(folder, study_file, None), 20)


def begun(ledger: Ledger) -> int:
    number = ledger.sample()
    ledger.begin_attempt(number, os.getpid())
    return number


def loaded(folder: StudyFolder) -> optuna.Study:
    return optuna.load_study(study_name="study", storage=f"sqlite:///{folder.db}")


def test_optuna_reads_of_a_running_trial_what_it_has_reported(folder: StudyFolder) -> None:
    ledger = opened(folder)
    number = begun(ledger)
    for step, value in enumerate((0.5, math.inf, math.nan, -math.inf), 1):
        ledger.report(number, step, step, value)
    (trial,) = loaded(folder).trials
    assert trial.state == optuna.trial.TrialState.RUNNING
    assert trial.params == ledger.params(number)
    assert trial.datetime_start is not None
    assert trial.datetime_complete is None
    assert [repr(each) for each in trial.intermediate_values.values()] == [
        "0.5",
        "inf",
        "nan",
        "-inf",
    ]
    ledger.close()


def test_a_step_that_is_reported_again_has_the_later_value(folder: StudyFolder) -> None:
    ledger = opened(folder)
    number = begun(ledger)
    for value in (0.5, 0.25):
        ledger.report(number, 1, 1, value)
    ledger.end_attempt(number, Outcome(DONE, 0.25))
    ledger.close()
    (trial,) = loaded(folder).trials
    assert trial.intermediate_values == {1: 0.25}
    assert (trial.value, trial.state) == (0.25, optuna.trial.TrialState.COMPLETE)
    assert trial.datetime_complete is not None
    assert disagreements(folder) == []


def test_an_attribute_that_another_tool_wrote_under_our_name_is_replaced(
    folder: StudyFolder,
) -> None:
    ledger = opened(folder)
    number = begun(ledger)
    with closing(sqlite3.connect(folder.db)) as database, database:
        database.execute(
            "INSERT INTO trial_user_attributes (trial_id, key, value_json) "
            "SELECT trial_id, 'resources', '1' FROM trials"
        )
    ledger.set_resources(number, {"parameters": 9})
    ledger.end_attempt(number, Outcome(DONE, 0.5))
    ledger.close()
    assert loaded(folder).trials[0].user_attrs["resources"] == {"parameters": 9}
    assert disagreements(folder) == []
