"""Objectives and outcome constraints of a study file: what it says, and every mistake."""

from __future__ import annotations

from typing import Any

import pytest

from search.errors import StudyFileError
from search.study_file.differences import differences
from search.study_file.load import parse_study_tree
from search.study_file.objectives import reported_metric, watched_of
from search.study_file.schema import StudyFile

LOSS, SIZE = {"metric": "val_loss"}, {"metric": "parameters"}
BASE = {"model": {"class_path": "a.B"}, "space": {"model.lr": {"float": [0.1, 1]}}}


def parsed(**sections: Any) -> StudyFile:
    return parse_study_tree(BASE | sections, source="s.yaml", default_name="s")


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({}, "objective: is missing. Add objective: {metric: val_loss}."),
    ({"objectives": []}, "objectives: must name an objective, got none. Add {metric: val_loss}."),
    (
        {"objectives": 3},
        "objectives: must be a list, got 3. "
        "Write objectives: [{metric: val_loss}, {metric: parameters}].",
    ),
    (
        {"objectives": [1, LOSS]},
        "objectives.0: must be a mapping, got 1. Write {metric: val_loss}.",
    ),
    (
        {"objectives": [LOSS, SIZE], "objective": LOSS},
        "objectives: stands beside objective. Keep one of the two.",
    ),
    ({"objectives": [LOSS, LOSS]}, "objectives.1.metric: val_loss is there twice. Remove one."),
    (
        {"objectives": [SIZE, {"metric": "epoch_time"}]},
        "objectives: must name a metric that the module logs, got none. Add one to them.",
    ),
    (
        {"objectives": [{"metric": "val_loss", "direction": "down"}, SIZE]},
        "objectives.0.direction: must be minimize or maximize, got down. "
        "Write direction: minimize.",
    ),
    (
        {"objectives": [LOSS, {"metric": "parameters", "way": 1}]},
        "objectives.1.way: no such key. It may be metric, direction, value.",
    ),
    (
        {"objectives": [LOSS, {"metric": "parameters", "value": "last"}]},
        "objectives.1.value: the checkpoint of a trial belongs to val_loss. Say it there.",
    ),
    (
        {"objectives": [LOSS, SIZE], "budget": {"target": 0.1}},
        "budget.target: several objectives have no best value. Remove it.",
    ),
    (
        {"objectives": [LOSS, SIZE], "budget": {"epochs": 9, "no_improvement": 3}},
        "budget.no_improvement: several objectives have no best value. Remove it.",
    ),
    (
        {"objective": SIZE},
        "objective.metric: parameters is measured, and no checkpoint can be chosen by it. "
        "Name a metric that the module logs, or list both under objectives.",
    ),
    (
        {"objectives": [LOSS, SIZE], "pruner": "median"},
        "pruner: several objectives are pruned by one that is named. Add prune_on: val_loss, or "
        "remove pruner.",
    ),
    (
        {"objectives": [LOSS, SIZE], "scheduler": {"name": "asha", "min_resource": 2}},
        "scheduler: several objectives are paused by one that is named. Add prune_on: val_loss, or "
        "remove scheduler.",
    ),
    (
        {"objectives": [LOSS, SIZE], "prune_on": "val_los"},
        "prune_on: must be an objective that the module logs, got val_los. Did you mean val_loss?",
    ),
    (
        {"objectives": [LOSS, SIZE], "prune_on": "parameters"},
        "prune_on: must be an objective that the module logs, got parameters. It may be val_loss.",
    ),
    (
        {"objectives": [LOSS, SIZE], "sampler": "cmaes"},
        "sampler: cmaes takes one objective, got 2. Use tpe, nsgaii or gp.",
    ),
    (
        {"objectives": [LOSS, SIZE], "keep": {"top": 3}},
        "keep.top: several objectives put trials in no order. Remove it.",
    ),
    (
        {"objective": LOSS, "outcome_constraints": ["parameters < 1e6"]},
        "outcome_constraints.0: must be a name, <= or >=, and a number, got parameters < 1e6. "
        "Write parameters <= 1e6.",
    ),
    (
        {"objective": LOSS, "outcome_constraints": ["epoch_time <= 2", "parameters <= many"]},
        "outcome_constraints.1: must end in a finite number, got many. Write parameters <= 1e6.",
    ),
    (
        {"objective": LOSS, "outcome_constraints": "parameters <= 1e6"},
        "outcome_constraints: must be a list, got parameters <= 1e6. "
        'Write outcome_constraints: ["parameters <= 20000"].',
    ),
]


@pytest.mark.parametrize(("sections", "line"), MISTAKES)
def test_mistake_is_one_line(sections: dict[str, Any], line: str) -> None:
    with pytest.raises(StudyFileError) as caught:
        parsed(**sections)
    assert str(caught.value) == f"s.yaml: {line}"


@pytest.mark.parametrize(
    "sections",
    [
        {"objective": LOSS, "outcome_constraints": ["parameters <= 1234567", "val_acc>=0.9"]},
        {"objectives": [SIZE, {"metric": "val_loss", "value": "last"}], "prune_on": "val_loss"},
        {"objectives": [LOSS, SIZE]},
    ],
)
def test_stored_study_file_reads_back_as_the_same(sections: dict[str, Any]) -> None:
    given = parsed(**sections)
    again = parse_study_tree(given.to_tree(), source="s.yaml", default_name="s")
    assert again == given
    assert differences(again, given) == []


def test_first_logged_objective_keeps_the_checkpoint() -> None:
    given = parsed(objectives=[SIZE, LOSS, {"metric": "val_acc", "direction": "maximize"}])
    assert given.objective.metric == reported_metric(given) == "val_loss"
    assert given.pruner.name == "none"
    watched = watched_of(given)
    assert watched.metrics == {"val_loss": "objectives.1.metric", "val_acc": "objectives.2.metric"}


def test_one_objective_in_a_list_is_the_only_one() -> None:
    assert parsed(objectives=[LOSS]) == parsed(objective=LOSS)


def test_objectives_and_constraints_may_not_change() -> None:
    lines = differences(
        parsed(objective=LOSS),
        parsed(objectives=[LOSS, SIZE], outcome_constraints=["parameters <= 9"]),
    )
    assert [line.partition(":")[0] for line in lines] == [
        "objective",
        "objectives",
        "outcome_constraints",
    ]
