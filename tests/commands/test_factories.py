"""Models and data that functions and classmethods make, through every verb."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
import yaml
from conftest import Project

import search

pytestmark = pytest.mark.real

PROJECT = Path(__file__).parents[1] / "projects/factories"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two trials, the second of a resume."""
    root = tmp_path_factory.mktemp("factories") / "project"
    shutil.copytree(PROJECT, root)
    project = Project(root)
    for command in (("run", "study.yaml", "--trials", "1"), ("resume", "study", "--trials", "2")):
        result = project.run(*command)
        assert result.returncode == 0, result.stderr
    return project


def test_what_a_classmethod_and_a_function_make_is_trained(finished: Project) -> None:
    assert finished.states() == ["COMPLETE", "COMPLETE"]
    config = yaml.safe_load((finished.root / "studies/study/trials/0000/config.yaml").read_text())
    assert config["model"]["class_path"] == "nets.Net.from_dataset"
    assert config["model"]["init_args"] == {"dataset": "plane"}
    assert set(config["model"]["dict_kwargs"]) == {"hidden", "lr"}


def test_it_is_tested_exported_and_replayed(finished: Project) -> None:
    tested = finished.run("test", "-s", "study")
    assert tested.returncode == 0, tested.stderr
    assert "test_loss" in tested.stdout
    exported = finished.run("export", "-s", "study", "best")
    assert exported.returncode == 0, exported.stderr
    replayed = finished.run("replay", "best")
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr


@pytest.mark.filterwarnings("ignore")
def test_its_model_is_loaded(finished: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(finished.root)
    monkeypatch.syspath_prepend(str(finished.root))
    # other projects of the tests have one, too
    monkeypatch.delitem(sys.modules, "nets", raising=False)
    best = search.Study("study.yaml").best
    model = best.load_model()
    hidden = best.params["model.dict_kwargs.hidden"]
    assert (type(model).__name__, model.layers[0].weight.shape) == ("Net", (hidden, 2))
