"""A study that is run begins with the values of its configuration, and says so."""

from __future__ import annotations

from conftest import Project

MODEL = {"class_path": "tiny.Tiny", "init_args": {"lr": 0.05}}


def test_trial_0_has_the_configurations_own_values_and_is_told(project: Project) -> None:
    path = project.study(model=MODEL, budget={"trials": 2})
    ran = project.run("run", path)
    assert ran.returncode == 0, ran.stderr
    note = "trial 0 has the configuration's own values of model.init_args.lr"
    assert note in ran.stdout + ran.stderr
    shown = project.run("show", "study", "0").stdout
    assert "all values are those of the configuration" in shown
    assert "baseline" not in project.run("show", "study", "1").stdout
    lr, other = (project.events(number)[0]["params"]["model.init_args.lr"] for number in (0, 1))
    assert lr == 0.05 != other
    assert project.events(0)[0]["baseline"] == ["model.init_args.lr"]


SCRIPT = """
import argparse
import pytorch_lightning as pl
from tiny import Tiny

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.05)
parser.add_argument("--width", type=int, default=100)
given = parser.parse_args()
pl.Trainer(max_epochs=2).fit(Tiny(lr=given.lr, width=given.width))
"""


def test_a_default_of_the_constructor_is_the_configurations_own_value(project: Project) -> None:
    space = {
        "model.lr": {"float": [1e-3, 1.0], "log": True},
        "model.width": {"int": [5, 8]},
        "model.batch_size": {"choice": [4, 8]},
    }
    path = project.study(model={"class_path": "tiny.Tiny"}, space=space, budget={"trials": 1})
    assert project.run("run", path).returncode == 0
    sampled = project.events(0)[0]
    assert sampled["params"]["model.init_args.lr"] == 0.1
    assert sampled["params"]["model.init_args.batch_size"] == 8
    # 4, the default of width, is outside of its range
    assert set(sampled["baseline"]) == {"model.init_args.lr", "model.init_args.batch_size"}
    shown = project.run("show", "study", "0").stdout
    assert "values of the configuration, but for model.init_args.width" in shown


def test_a_default_of_a_scripts_option_is_one_too(project: Project) -> None:
    (project.root / "train.py").write_text(SCRIPT)
    space = {"--lr": {"float": [1e-3, 1e-1], "log": True}, "--width": {"int": [2, 8]}}
    path = project.study(script="train.py", model=None, trainer=None, space=space)
    ran = project.run("run", path, "--trials", "1")
    assert ran.returncode == 0, ran.stderr
    assert project.events(0)[0]["params"]["arguments.--lr"] == 0.05
    assert project.events(0)[0]["baseline"] == ["arguments.--lr"]
