"""A run as it was asked for, and what it leaves to the study file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from search.engine.request import RunRequest
from search.layout import StudyFolder
from search.study_file.load import parse_study_tree
from search.study_file.stopping_rules import StoppingRules


def request(budget: dict[str, Any], **given: Any) -> RunRequest:
    tree = {
        "model": {"class_path": "tiny.Tiny"},
        "objective": {"metric": "val_loss"},
        "space": {"model.init_args.lr": {"float": [0.1, 1.0]}},
        "budget": budget,
    }
    study_file = parse_study_tree(tree, source="study.yaml", default_name="study")
    return RunRequest(StudyFolder(Path("study")), study_file, "study.yaml", Path.cwd(), **given)


def test_budget_of_the_study_file_holds_for_what_is_not_given() -> None:
    asked = request({"trials": 5, "timeout": "1m"})
    assert (asked.total, asked.time_limit_s) == (5, 60.0)
    asked = request({"trials": 5, "timeout": "1m"}, trials=7, timeout_s=0.0)
    assert (asked.total, asked.time_limit_s) == (7, 0.0)
    asked = request({"epochs": 90, "cost": "2h"}, stopping=StoppingRules(epochs=5, target=0.1))
    assert asked.stopping_rules == StoppingRules(epochs=5, cost_s=7200.0, target=0.1)
    asked = request({})
    assert (asked.total, asked.time_limit_s) == (None, None)
