"""`search run` and `search check` of a script, without any study file."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from conftest import Project
from own_scripts import TRAIN

from search.commands.given_study import OnCommandLine, given_study
from search.commands.named_script import named_script, study_name_of
from search.errors import UserError

LR = "--lr={float: [1e-3, 1e-1], log: true}"


@pytest.fixture
def scripts(project: Project) -> Project:
    (project.root / "train.py").write_text(TRAIN)
    (project.root / "my_pkg").mkdir()
    (project.root / "my_pkg/__init__.py").touch()
    (project.root / "my_pkg/fit.py").write_text(TRAIN)
    return project


def test_script_is_run_as_a_study_of_its_name_and_gone_on_with(scripts: Project) -> None:
    given = ["run", "train.py", "--metric", "val_mse", "--space", LR, "--set", "--epochs=1"]
    result = scripts.run(*given, "--trials", "2")
    assert result.returncode == 0, result.stderr
    assert scripts.states("train") == ["COMPLETE", "COMPLETE"]
    kept = yaml.safe_load((scripts.root / "studies/train/study.yaml").read_text())
    assert kept["script"] == {"path": "train.py"}
    assert kept["arguments"] == {"--epochs": 1}
    assert list(kept["space"]) == ["arguments.--lr"]
    again = scripts.run(*given, "--trials", "2")
    assert "study train finished: 2 of 2 trials" in again.stdout
    assert scripts.run("resume", "train", "--trials", "3").returncode == 0
    assert len(scripts.states("train")) == 3
    bare = scripts.run("run", "train.py")
    assert bare.stderr == (
        "train.py: needs --metric val_loss and --space '--lr={float: [1e-4, 1e-1], log: true}'. "
        "Add that, or go on with the study train: `search resume train`.\n"
    )


def test_module_is_run_and_checked_as_python_runs_it(scripts: Project) -> None:
    given = ["--metric", "val_mse", "--space", LR, "--direction", "maximize"]
    result = scripts.run("run", "-m", "my_pkg.fit", *given, "--trials", "1")
    assert result.returncode == 0, result.stderr
    kept = yaml.safe_load((scripts.root / "studies/fit/study.yaml").read_text())
    assert kept["script"] == {"module": "my_pkg.fit"}
    assert kept["objective"]["direction"] == "maximize"
    checked = scripts.run("check", "python -m my_pkg.fit", *given)
    assert checked.returncode == 0, checked.stderr
    said = " ".join(checked.stdout.split())
    assert "ok metric val_mse is logged" in said


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            OnCommandLine(metric="val_mse"),
            "train.py: needs --space '--lr={float: [1e-4, 1e-1], log: true}'. Add that, or propose "
            "a study file: `search init train.py`.",
        ),
        (
            OnCommandLine(space_values=[LR]),
            "train.py: needs --metric val_loss. Add that, or propose a study file: `search init "
            "train.py`.",
        ),
        (
            OnCommandLine(space_values=[LR], metric="val_acc"),
            "--metric: val_acc sounds like one to maximize, and without a direction it is "
            "minimized. Add --direction maximize, or --direction minimize.",
        ),
    ],
)
def test_script_is_told_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: OnCommandLine, line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(TRAIN)
    with pytest.raises(UserError) as refused:
        given_study("train.py", None, said)
    assert str(refused.value) == line


def test_script_that_is_not_there_is_told_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as refused:
        given_study("trian.py", None, OnCommandLine())
    assert str(refused.value) == ("trian.py: no such file. Write the path of the script from here.")


def test_metric_and_direction_are_laid_over_a_study_file(project: Project) -> None:
    study = project.study(objective="val_loss")
    given = given_study(str(study), None, OnCommandLine(metric="val_score", direction="maximize"))
    assert (given.study_file.objective.metric, given.study_file.objective.sign) == ("val_score", -1)
    given = given_study(str(study), None, OnCommandLine(direction="maximize"))
    assert (given.study_file.objective.metric, given.study_file.objective.sign) == ("val_loss", -1)
    study = project.study(objective=None, objectives=["val_loss", "val_score"])
    with pytest.raises(UserError) as refused:
        given_study(str(study), None, OnCommandLine(metric="val_loss"))
    assert str(refused.value) == (
        "--metric: the study file has several objectives. Change them there."
    )


@pytest.mark.parametrize(
    ("word", "script", "name"),
    [
        ("train.py", {"path": "train.py"}, "train"),
        ("src/train.py", {"path": "src/train.py"}, "train"),
        ("python train.py", {"path": "train.py"}, "train"),
        ("python -m my_pkg.fit", {"module": "my_pkg.fit"}, "fit"),
        ("/usr/bin/python3.11 -m fit", {"module": "fit"}, "fit"),
        ("-m my_pkg.fit", {"module": "my_pkg.fit"}, "fit"),
    ],
)
def test_scripts_are_named_as_people_run_them(word: str, script: dict[str, str], name: str) -> None:
    assert named_script(word, None) == script
    assert study_name_of(script) == name


@pytest.mark.parametrize("word", ["study.yaml", "autoencoder", "my_pkg.fit", "", "it's", "python"])
def test_other_words_name_no_script(word: str) -> None:
    assert named_script(word, None) is None


def test_arguments_belong_in_the_study_not_in_the_name_of_the_script() -> None:
    with pytest.raises(UserError) as refused:
        named_script("python train.py --lr 3", None)
    assert str(refused.value) == (
        "python train.py --lr 3: names arguments of the script, got --lr 3. Name the script alone, "
        "and write its arguments under arguments, as in --set --epochs=20."
    )
    with pytest.raises(UserError, match=r"-m: names fit, and the command names train\.py"):
        named_script("train.py", "fit")
