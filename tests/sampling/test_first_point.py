"""The first trial has the values of the configuration itself, on a real database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from database_state import disagreements

from search.engine.attempt_end import Outcome
from search.engine.ledger import Ledger
from search.engine.opening import open_ledger, plan
from search.layout import StudyFolder
from search.messages import DONE, INTERRUPTED
from search.store.rebuild import rebuild
from search.study_file.load import parse_study_tree

LR, DEPTH = "model.init_args.lr", "model.init_args.depth"
TREE: dict[str, Any] = {
    "model": {"class_path": "a.Net", "init_args": {"lr": 0.25, "depth": 2}},
    "objective": {"metric": "m"},
    "space": {
        LR: {"choice": [0.25, 0.5, 0.75]},
        DEPTH: {"int": [1, 4], "step": 1},
    },
}


def opened(root: Path, **changes: Any) -> Ledger:
    study_file = parse_study_tree(TREE | changes, source="s.yaml", default_name="study")
    return open_ledger(plan(StudyFolder(root / "study"), study_file, None), 10)


def sampled(ledger: Ledger, count: int) -> list[dict[str, Any]]:
    """The parameters of the next trials."""
    found = []
    for _ in range(count):
        number = ledger.sample()
        found.append(ledger.params(number))
        ledger.end_attempt(number, Outcome(DONE, 0.5))
    return found


@pytest.mark.parametrize("sampler", ["tpe", "random", "qmc", "cmaes", "nsgaii", "gp"])
def test_the_first_trial_is_the_configurations_own(sampler: str, tmp_path: Path) -> None:
    ledger = opened(tmp_path, sampler=sampler)
    assert sampled(ledger, 2)[0] == {LR: 0.25, DEPTH: 2}
    assert [trial.baseline for trial in ledger.record().trials] == [(LR, DEPTH), ()]


@pytest.mark.parametrize("sampler", ["grid", "bruteforce"])
def test_a_list_has_it_once_and_whole(sampler: str, tmp_path: Path) -> None:
    found = sampled(opened(tmp_path, sampler=sampler), 12)
    assert found[0] == {LR: 0.25, DEPTH: 2}
    assert len({tuple(sorted(params.items())) for params in found}) == 12


def test_the_queue_comes_after_it_unless_it_has_the_same_values(tmp_path: Path) -> None:
    other, same = {LR: 0.75, DEPTH: 4}, {LR: 0.25, DEPTH: 2}
    assert sampled(opened(tmp_path / "a", enqueue=[other]), 2) == [same, other]
    assert sampled(opened(tmp_path / "b", enqueue=[other, same]), 2) == [other, same]


def test_it_is_sampled_like_any_other_where_that_is_switched_off(tmp_path: Path) -> None:
    own, off = opened(tmp_path / "own"), opened(tmp_path / "off", baseline=False)
    assert off.record().trials == ()
    assert sampled(off, 3)[1:] == sampled(own, 3)[1:]
    assert off.trial(0).baseline == ()


def test_a_kill_and_a_rebuild_leave_it_as_it_was(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    ledger.end_attempt(ledger.sample(), Outcome(INTERRUPTED))
    again = opened(tmp_path)
    again.heal()
    assert again.waiting() == [0]
    assert again.params(0) == {LR: 0.25, DEPTH: 2}
    again.close()
    folder = StudyFolder(tmp_path / "study")
    folder.db.unlink()
    rebuild(folder, None)
    assert disagreements(folder) == []


def test_a_study_opened_before_its_first_trial_begins_with_it(tmp_path: Path) -> None:
    opened(tmp_path).close()
    assert sampled(opened(tmp_path), 1) == [{LR: 0.25, DEPTH: 2}]
