"""The public names: what `search` offers, what its documentation promises, and Optuna's words."""

from __future__ import annotations

import ast
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import search
from search.api import study as api_study
from search.engine.request import RunRequest
from search.report.all_figures import FIGURES
from search.report.figure_names import FIGURE_NAMES
from search.study_file.schema import ScriptStudyFile, StudyFile
from tests.report.records import study as recorded
from tests.report.records import trial

PAGE = (Path(__file__).parents[2] / "docs/python.md").read_text()


class Net:
    """Only its name matters here: nothing is imported before a study runs."""


@pytest.fixture
def study(tmp_path: Path) -> search.Study:
    return search.Study(
        model=Net, metric="val_loss", space={"model.lr": search.Log(1e-3, 1e-1)}, studies=tmp_path
    )


def test_names_are_those_that_type_checkers_see() -> None:
    tree = ast.parse(Path(search.__file__).read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    seen = {alias.asname: node.module for node in imports for alias in node.names}
    assert sorted(dir(search)) == sorted([*map(str, seen), "__version__"])
    for name, module in seen.items():
        assert getattr(search, str(name)).__module__ == module


def test_names_are_those_of_the_documentation() -> None:
    promised = set(re.findall(r"search\.(\w+)", PAGE)) - {"data", "models"}
    assert promised == set(dir(search))


def test_version_is_that_of_the_package() -> None:
    assert search.__version__ == version("lightning-search")


def test_sections_are_those_of_a_study_file() -> None:
    own = {"model", "data"}  # with parameters of their own
    written = {"finalists"}  # by `search confirm` alone
    short = {"module"}  # for a section script that names one
    fields = set(StudyFile.model_fields) | set(ScriptStudyFile.model_fields) | short
    assert set(search.Sections.__annotations__) == fields - own - written


def test_names_of_figures_are_those_that_are_drawn() -> None:
    assert tuple(FIGURES) == FIGURE_NAMES


def test_best_trial_and_best_trials_are_best_and_front(
    study: search.Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = recorded(trial(0, value=2.0), trial(1, value=1.0))
    monkeypatch.setattr(search.Study, "record", record)
    assert study.best_trial == study.best
    assert study.best_trial.number == 1
    assert study.best_trials == study.front == (study.best,)


@pytest.mark.parametrize("name", ["trials", "n_trials"])
def test_n_trials_is_trials(
    study: search.Study, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    requests: list[RunRequest] = []
    monkeypatch.setattr(api_study, "run_study", lambda request, view: requests.append(request))
    study.run(**{name: 7})
    assert [request.total for request in requests] == [7]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"n_trials": 0}, "n_trials: must be a number from 1, got 0. Write n_trials=50."),
        (
            {"trials": 5, "n_trials": 7},
            "n_trials: is another name for trials, got both. Write trials=5.",
        ),
    ],
)
def test_wrong_n_trials(study: search.Study, arguments: dict[str, Any], line: str) -> None:
    with pytest.raises(search.UserError) as caught:
        study.run(**arguments)
    assert str(caught.value) == line
