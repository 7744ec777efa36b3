"""Trials that are done without a value: each is a failed one, and its study goes on."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from database_state import disagreements

from search.engine.attempt_end import Outcome
from search.engine.ledger import Ledger
from search.engine.opening import open_ledger, plan
from search.layout import StudyFolder
from search.messages import DONE
from search.store.reading import read_study
from search.store.rebuild import rebuild
from search.study_file.load import parse_study_tree

pytestmark = pytest.mark.real

SAMPLERS = ["tpe", "gp", "random", "grid", "qmc", "cmaes", "nsgaii", "bruteforce"]
TWO = [{"metric": "val_loss"}, {"metric": "epoch_time", "direction": "minimize"}]


def opened(folder: StudyFolder, sampler: str = "tpe", **changes: Any) -> Ledger:
    tree = {
        "model": {"class_path": "tiny.Tiny"},
        "objective": {"metric": "val_loss"},
        "space": {
            "model.init_args.lr": {"float": [0.1, 1.0], "step": 0.1},
            "trainer.max_epochs": {"int": [0, 4]},
        },
        "sampler": sampler,
        "seed": 3,
        **changes,
    }
    given = {key: value for key, value in tree.items() if value is not None}
    study_file = parse_study_tree(given, source="study.yaml", default_name=folder.name)
    return open_ledger(plan(folder, study_file, None), 40)


def lived(ledger: Ledger, trials: int, several: bool = False) -> list[str]:
    """States of trials of which every third is done without a value."""
    states = []
    for turn in range(trials):
        number = ledger.sample()
        ledger.begin_attempt(number, os.getpid())
        outcome = Outcome(DONE)
        if turn % 3 != 1:
            ledger.report(number, 1, 1, 1 / (turn + 1))
            metrics = {"val_loss": 1 / (turn + 1)} if several else {}
            outcome = Outcome(DONE, 1 / (turn + 1), metrics=metrics)
        if several and turn % 3 == 0:
            resources = {"parameters": 9, "epoch_time": 0.5, "peak_memory": None}
            ledger.set_resources(number, resources)
        states.append(ledger.end_attempt(number, outcome).state.name)
    return states


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_trial_without_a_value_fails_and_every_sampler_goes_on(
    tmp_path: Path, sampler: str
) -> None:
    ledger = opened(StudyFolder(tmp_path / "study"), sampler)
    assert lived(ledger, 15) == ["COMPLETE", "FAIL", "COMPLETE"] * 5
    trial = ledger.trial(1)
    assert (trial.cause, trial.message) == ("error", "ended without a value of val_loss")


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name != "cmaes"])
def test_trial_that_lacks_one_of_several_objectives_fails(tmp_path: Path, sampler: str) -> None:
    ledger = opened(StudyFolder(tmp_path / "study"), sampler, objective=None, objectives=TWO)
    assert lived(ledger, 15, several=True) == ["COMPLETE", "FAIL", "FAIL"] * 5
    assert [ledger.trial(number).message for number in (1, 2)] == [
        "ended without a value of val_loss, epoch_time",
        "ended without a value of epoch_time",
    ]
    assert len(ledger.record().front) == 1


def test_value_that_is_no_number_is_diverged(tmp_path: Path) -> None:
    ledger = opened(StudyFolder(tmp_path / "study"))
    number = ledger.sample()
    ending = ledger.end_attempt(number, Outcome(DONE, float("nan")))
    assert (ending.state.name, ending.outcome.cause) == ("FAIL", "diverged")
    assert ending.outcome.message == "val_loss became nan"


def as_earlier_releases_wrote(folder: StudyFolder, number: int, state: str) -> None:
    """Turn a failed trial into one that is complete without a value; `state` is that of the
    database, which the coordinator may not have come to write."""
    events = folder.trial(number).events
    *lines, end = events.read_text().splitlines()
    wrong = {**json.loads(end), "cause": "done", "state": "COMPLETE", "message": None}
    events.write_text("\n".join([*lines, json.dumps(wrong)]) + "\n")
    with closing(sqlite3.connect(folder.db)) as database:
        database.execute("UPDATE trials SET state = ? WHERE number = ?", (state, number))
        database.commit()


@pytest.mark.parametrize("state", ["COMPLETE", "RUNNING"])
@pytest.mark.parametrize("sampler", ["tpe", "nsgaii"])
def test_study_that_holds_such_a_trial_is_healed_and_goes_on(
    tmp_path: Path, sampler: str, state: str
) -> None:
    folder = StudyFolder(tmp_path / "study")
    lived(opened(folder, sampler), 6)
    for number in (1, 4):
        as_earlier_releases_wrote(folder, number, state)
    ledger = opened(folder, sampler)
    assert ledger.heal() == []
    assert lived(ledger, 6) == ["COMPLETE", "FAIL", "COMPLETE"] * 2
    states = [trial.state for trial in read_study(folder).trials]
    assert states == ["COMPLETE", "FAIL", "COMPLETE"] * 4
    assert ledger.trial(4).message == "ended without a value"
    assert disagreements(folder) == []
    folder.db.unlink()
    rebuild(folder, None)
    assert [trial.state for trial in read_study(folder).trials] == states
