"""Several objectives, constraints on outcomes and resources in the ledger and its database."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import optuna
import pytest
from database_state import disagreements

from search.engine.attempt_end import Outcome
from search.engine.ledger import Ledger
from search.engine.opening import open_ledger, plan
from search.layout import StudyFolder
from search.messages import DONE, INFEASIBLE, INTERRUPTED, PRUNED
from search.store.attributes import attributes_to_json
from search.store.events.event_file import append_event
from search.store.pareto_front import front_of
from search.store.reading import read_study
from search.store.rebuild import rebuild
from search.store.recorded_study import attributes_of
from search.study_file.load import parse_study_tree
from search.study_file.schema import StudyFile

pytestmark = pytest.mark.real

LR, WIDTH = "model.init_args.lr", "model.init_args.width"
SEVERAL: dict[str, Any] = {
    "model": {"class_path": "tiny.Tiny"},
    "objectives": [{"metric": "val_score", "direction": "maximize"}, {"metric": "parameters"}],
    "prune_on": "val_score",
    "outcome_constraints": ["parameters <= 100", "epoch_time <= 2"],
    "space": {LR: {"float": [1e-3, 1e-1], "log": True}, WIDTH: {"int": [2, 64]}},
    "sampler": {"name": "tpe", "n_startup_trials": 4},
    "pruner": {"name": "median", "n_startup_trials": 1},
    "seed": 3,
}
SINGLE = {
    "model": {"class_path": "tiny.Tiny"},
    "objective": {"metric": "val_loss"},
    "space": {WIDTH: {"int": [2, 64]}},
}


def study_file(tree: dict[str, Any]) -> StudyFile:
    return parse_study_tree(tree, source="study.yaml", default_name="study")


def opened(folder: StudyFolder, **changes: Any) -> Ledger:
    return open_ledger(plan(folder, study_file(SEVERAL | changes), None), 40)


def lived(ledger: Ledger) -> list[int]:
    """Trials as they come: infeasible before they train, pruned by the verdict, complete."""
    pruned = []
    for _ in range(16):
        number = ledger.sample()
        width, lr = ledger.params(number)[WIDTH], ledger.params(number)[LR]
        ledger.begin_attempt(number, os.getpid())
        parameters = 3 * width + 1
        ledger.set_resources(number, {"parameters": parameters, "epoch_time": None})
        if parameters > 100:
            ledger.end_attempt(number, Outcome(INFEASIBLE, message="not trained"))
            continue
        outcome = Outcome(DONE, 10 * lr, metrics={"val_score": 10 * lr})
        for step in range(1, 4):
            verdict = ledger.judge(number, step, lr * step)
            ledger.report(number, step, step, lr * step)
            if verdict.prune:
                pruned.append(number)
                outcome = Outcome(PRUNED)
                break
        took = {"parameters": parameters, "epoch_time": 3.0 if width == 2 else 1.0}
        ledger.set_resources(number, took | {"peak_memory": 1 << 20})
        ledger.end_attempt(number, outcome)
    return pruned


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path / "studies" / "study")


def test_front_is_what_no_other_point_dominates() -> None:
    rng = random.Random(1)
    directions = ["minimize", "maximize", "minimize"]
    points = [[rng.randint(0, 6) for _ in directions] for _ in range(80)]
    costs = [(a, -b, c) for a, b, c in points]
    expected = [
        i
        for i, one in enumerate(costs)
        if not any(o != one and all(a <= b for a, b in zip(o, one, strict=True)) for o in costs)
    ]
    assert front_of(points, directions) == expected
    assert front_of([], directions) == []


@pytest.mark.parametrize("sampler", ["tpe", "nsgaii", "random", "qmc"])
def test_study_of_several_objectives_lives_and_is_rebuilt(
    folder: StudyFolder, sampler: str
) -> None:
    ledger = opened(folder, sampler=sampler)
    pruned = lived(ledger)
    record = read_study(folder)
    assert record.trials == ledger.record().trials
    assert pruned
    assert all(record.trials[number].values == () for number in pruned)
    stored = optuna.load_study(study_name="study", storage=f"sqlite:///{folder.db}")
    assert stored.metric_names == ["val_score", "parameters"]
    assert sorted(t.number for t in record.front) == sorted(t.number for t in stored.best_trials)
    assert disagreements(folder) == []
    folder.db.unlink()
    rebuild(folder, None)
    assert repr(read_study(folder)) == repr(record)
    again = optuna.load_study(study_name="study", storage=f"sqlite:///{folder.db}")
    assert again.metric_names == ["val_score", "parameters"]


@pytest.mark.parametrize(
    "pruner",
    [
        {"name": "hyperband", "min_resource": 1, "max_resource": 3, "reduction_factor": 2},
        {"name": "successive_halving", "min_resource": 1, "reduction_factor": 2},
        {"name": "patient", "patience": 1},
        {"name": "wilcoxon", "p_threshold": 0.9, "n_startup_steps": 1},
        {"name": "threshold", "lower": 0.02},
    ],
)
def test_every_pruner_judges_by_the_named_metric(
    folder: StudyFolder, pruner: dict[str, Any]
) -> None:
    pruned = lived(opened(folder, pruner=pruner))
    record = read_study(folder)
    assert bool(pruned) == (pruner["name"] != "patient")
    assert any(trial.state == "COMPLETE" for trial in record.trials)
    assert disagreements(folder) == []


def test_tpe_learns_what_is_infeasible(folder: StudyFolder) -> None:
    ledger = opened(folder, outcome_constraints=["parameters <= 40"], pruner="none", prune_on=None)
    for _ in range(50):
        number = ledger.sample()
        parameters = 3 * ledger.params(number)[WIDTH] + 1
        ledger.begin_attempt(number, os.getpid())
        ledger.set_resources(number, {"parameters": parameters})
        cause = INFEASIBLE if parameters > 40 else DONE
        ledger.end_attempt(number, Outcome(cause, 0.5, metrics={"val_score": 0.5}))
    infeasible = [bool(trial.infeasible) for trial in ledger.record().trials]
    # 51 of 63 widths break the constraint
    assert sum(infeasible[:10]) > sum(infeasible[-10:])


def test_infeasible_trial_is_never_best(folder: StudyFolder) -> None:
    tree = SINGLE | {"outcome_constraints": ["epoch_time <= 2", "val_score >= 0.5"]}
    ledger = open_ledger(plan(folder, study_file(tree), None), 10)
    for value, seconds, score in ((0.1, 3.0, 0.9), (0.2, 1.0, 0.1), (0.3, 1.0, 0.9)):
        number = ledger.sample()
        ledger.begin_attempt(number, os.getpid())
        ledger.set_resources(number, {"parameters": 5, "epoch_time": seconds})
        metrics = {"val_loss": value, "val_score": score}
        ledger.end_attempt(number, Outcome(DONE, value, metrics=metrics))
    record = read_study(folder)
    assert [trial.infeasible for trial in record.trials] == [
        ("epoch_time <= 2",),
        ("val_score >= 0.5",),
        (),
    ]
    assert record.best is not None
    assert (record.best.number, record.best.metrics["val_score"]) == (2, 0.9)
    stored = optuna.load_study(study_name="study", storage=f"sqlite:///{folder.db}")
    assert stored.best_trial.number == 2
    assert disagreements(folder) == []


def test_last_measurement_of_a_trial_stands(folder: StudyFolder) -> None:
    ledger = opened(folder)
    number = ledger.sample()
    for seconds in (1.0, 1.5):
        if ledger.waiting():
            ledger.claim(number)
        ledger.begin_attempt(number, os.getpid())
        ledger.set_resources(number, {"parameters": 7, "epoch_time": seconds, "peak_memory": 9})
        ledger.end_attempt(number, Outcome(INTERRUPTED))
    trial = read_study(folder).trials[number]
    assert (trial.parameters, trial.epoch_time, trial.peak_memory) == (7, 1.5, 9)
    assert disagreements(folder) == []


def test_end_with_several_values_that_the_database_never_got_is_kept(folder: StudyFolder) -> None:
    ledger = opened(folder)
    number = ledger.sample()
    ledger.begin_attempt(number, os.getpid())
    events = folder.trial(number).events
    append_event(events, "measured", parameters=7, epoch_time=1.0, peak_memory=9)
    append_event(events, "attributes", attributes={"constraints:parameters <= 100": -93.0})
    ending = {"cause": "done", "state": "COMPLETE", "value": None, "message": None, "step": 0}
    metrics = {"val_score": 0.25}
    append_event(events, "attempt_ended", **ending, values=[0.25, 7.0], metrics=metrics)
    again = opened(folder)
    assert again.heal() == []
    trial = again.trial(number)
    assert (trial.state, trial.values, trial.parameters) == ("COMPLETE", (0.25, 7.0), 7)
    assert disagreements(folder) == []


def test_study_of_one_objective_is_stored_as_it_always_was(folder: StudyFolder) -> None:
    assert set(attributes_to_json(attributes_of(study_file(SINGLE), 5))) == {
        "metric",
        "direction",
        "asked",
        "space",
        "settings",
    }
    ledger = open_ledger(plan(folder, study_file(SINGLE), None), 10)
    number = ledger.sample()
    ledger.begin_attempt(number, os.getpid())
    ledger.end_attempt(number, Outcome(DONE, 0.5, metrics={"val_loss": 0.5}))
    *_, last = folder.trial(number).events.read_text().splitlines()
    assert '"value": 0.5' in last
    assert '"values"' not in last
    assert '"metrics"' not in last
    record = read_study(folder)
    assert (record.is_multi_objective, record.best) == (False, record.trials[0])
    assert (record.trials[0].parameters, record.trials[0].epoch_time) == (None, None)
