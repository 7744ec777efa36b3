"""Studies of a function or a script of the user's own, from Python."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import TINY, Project

import search
from search.errors import UserError
from search.study_file.trial_config import ScriptRun
from search.trial.building.function_call import call_function

NETS = f"""{TINY}

def make(params, trainer):
    trainer["gradient_clip_val"] = params["clip"]
    model = Tiny(params["lr"], batch_size=params["batch"])
    return model, (model.loader(True), model.loader(False))

def alone(params):
    return Tiny(), None

def nothing(params):
    return Tiny()

def words(params):
    return Tiny(), ["words"]
"""
RUN = """
import json
import search
from nets import Tiny, make

if __name__ == "__main__":
    study = search.Study(
        build=make,
        arguments={"clip": 0.5, "batch": 4},
        batch={"argument": "batch", "auto_scale": "power", "max": 16},
        trainer={"max_epochs": 2, "accelerator": "cpu", "callbacks": None},
        space={
            "lr": search.Log(1e-3, 1e-1),
            "trainer.accumulate_grad_batches": search.Choice(1, 2),
        },
        metric="val_loss",
        pruner="none",
    )
    study.run(trials=2, workers=1)
    model = study.best.load_model()
    print(json.dumps({"name": study.name, "is_own": isinstance(model, Tiny), "lr": model.lr}))
"""


@pytest.fixture
def nets(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    (project.root / "nets.py").write_text(NETS)
    monkeypatch.syspath_prepend(str(project.root))
    monkeypatch.delitem(sys.modules, "nets", raising=False)
    return project


@pytest.mark.real
def test_function_is_a_study_that_resumes_from_the_command_line(nets: Project) -> None:
    (nets.root / "run.py").write_text(RUN)
    run = nets.python("run.py")
    assert run.returncode == 0, run.stderr
    said: dict[str, Any] = yaml.safe_load(run.stdout.splitlines()[-1])
    assert said["name"] == "make" and said["is_own"]
    resumed = nets.run("resume", "make", "--trials", "3")
    assert resumed.returncode == 0, resumed.stderr
    assert nets.states("make") == ["COMPLETE"] * 3
    config = yaml.safe_load((nets.root / "studies/make/trials/0002/config.yaml").read_text())
    assert config["script"] == {"build": "nets.make"}
    # the probed batch is a parameter of the function's, like the searched ones
    assert config["arguments"]["clip"] == 0.5 and config["arguments"]["batch"] == 16
    assert set(config["trainer"]) >= {"max_epochs", "accumulate_grad_batches"}
    exported = nets.run("export", "make", "best")
    assert exported.stdout.endswith("train it again: sh best/train.sh\n"), exported.stderr
    replayed = nets.run("replay", "best")
    assert "difference  0\n" in replayed.stdout, replayed.stderr


def test_function_may_change_the_arguments_of_the_trainer(nets: Project) -> None:
    run = ScriptRun(build="nets.make", arguments={"lr": 0.2, "clip": 2.0, "batch": 4})
    given = {"max_epochs": 3}
    made = call_function(run, given)
    assert made.changed == {"gradient_clip_val": 2.0} and given == {"max_epochs": 3}
    assert set(made.loaders) == {"train_dataloaders", "val_dataloaders"}
    assert call_function(ScriptRun(build="nets.alone"), {}).loaders == {}


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (
            "nothing",
            "build: nets.nothing must return a LightningModule and its data, got Tiny. "
            "Return (model, datamodule), or (model, (train_loader, val_loader)).",
        ),
        (
            "words",
            "build: nets.words must return a data module or loaders as its data, got list. "
            "Return (model, datamodule), or (model, (train_loader, val_loader)).",
        ),
        ("TINY", "build: nets.TINY is no function. Name one that makes the model."),
    ],
)
def test_what_a_function_must_return_is_said(nets: Project, name: str, line: str) -> None:
    with (nets.root / "nets.py").open("a") as file:
        file.write("\nTINY = 3\n")
    with pytest.raises(UserError) as caught:
        call_function(ScriptRun(build=f"nets.{name}"), {})
    assert str(caught.value) == line


def test_script_is_a_keyword(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fit_net.py").write_text("")
    study = search.Study(
        script="fit_net.py",
        arguments={"--epochs": 2},
        space={"--lr": search.Log(1e-3, 1e-1)},
        metric="val_loss",
        fit=1,
    )
    assert study.name == "fit_net"


def test_sections_of_a_script_have_no_place_beside_a_function() -> None:
    with pytest.raises(search.UserError) as caught:
        search.Study(
            build="nets.make", fit=2, space={"lr": search.Log(1e-3, 1e-1)}, metric="val_loss"
        )
    assert str(caught.value) == (
        "Study: fit: is for a script, and build names a function. Remove it."
    )
