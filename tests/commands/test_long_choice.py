"""A choice of 100,000 values: read, checked, sampled and gone on with like any other."""

from __future__ import annotations

import pytest
from conftest import Project
from faults.in_process import command_line
from faults.without_training import Untrained

from search.engine.preflight import check_config
from search.study_file.load import load_study_file

WIDTH = "model.init_args.width"
VALUES = 100_000


def test_study_of_a_hundred_thousand_values_runs_and_is_gone_on_with(
    project: Project, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    monkeypatch.setattr("search.engine.place.LocalExecutor", Untrained)
    path = project.study(space={WIDTH: {"choice": list(range(VALUES))}}, sampler="random")
    # of which the model is built with a few, the first and the last among them
    built = [each.value for each in check_config(load_study_file(path)).preflight]
    assert len(built) == 64
    assert (built[0], built[-1]) == (0, VALUES - 1)
    run = command_line(capfd)
    assert run("run", path, "--trials", "2", "-q") == (0, "")
    assert run("resume", "study", "--trials", "3", "-q") == (0, "")
    widths = {value for (value,) in project.query("SELECT param_value FROM trial_params")}
    assert len(widths) == 3
