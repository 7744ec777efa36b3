"""Values that are read of a metric that some epochs log, and steps that count samples."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
from conformance.kinds import Kind
from conformance.trials import Outcome, config_of, trained, work_beside_kinds

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def users_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    work_beside_kinds(monkeypatch, tmp_path)


def outcome(folder: Path, model: str, cuts: tuple[int, ...] = (), **sections: Any) -> Outcome:
    kind = Kind("modules", model, f"kinds.now_and_then.{model}", sections=sections)
    return trained(config_of(kind), folder, cuts)


@pytest.mark.parametrize("cuts", [(), (3,)])
def test_value_of_training_is_that_of_an_epoch_that_logs_it(
    tmp_path: Path, cuts: tuple[int, ...]
) -> None:
    objective = {"metric": "epoch", "direction": "minimize", "value": "last"}
    trial = {"at_epoch_ends": True}
    found = outcome(tmp_path / "study", "EveryOther", cuts, objective=objective, trial=trial)
    assert found.curve == {1: 0.0, 3: 2.0, 5: 4.0}
    assert found.value == 4.0


def test_validation_that_does_not_log_the_metric_has_no_value(tmp_path: Path) -> None:
    whole = outcome(tmp_path / "whole", "EveryOther", value="last")
    assert list(whole.curve) == [1, 3, 5]
    cut = outcome(tmp_path / "cut", "EveryOther", (3,), value="last")
    assert (cut.curve, cut.value) == (whole.curve, whole.value)


def test_warning_of_the_users_is_shown_once_where_samples_are_counted(tmp_path: Path) -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("default")
        found = outcome(tmp_path / "study", "Warns", trial={"steps": "samples"})
    assert list(found.curve) == [32, 64, 96, 128, 160]
    assert [str(each.message) for each in shown].count("of the user") == 1
