"""A study with everything a space can have, really run: annotations, conditions, options, rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import Project

NETS = """
from __future__ import annotations
from typing import Annotated

import torch
import search
from tiny import Tiny


class Deep(torch.nn.Sequential):
    def __init__(self, width: Annotated[int, search.Int(2, 64)] = 4, tanh: bool = False):
        super().__init__(
            torch.nn.Linear(1, width),
            torch.nn.Tanh() if tanh else torch.nn.ReLU(),
            torch.nn.Linear(width, 1),
        )


class Flat(torch.nn.Linear):
    def __init__(self, bias: bool = True):
        super().__init__(1, 1, bias=bias)


class Net(Tiny):
    def __init__(self, net: torch.nn.Module, out: int, hidden: int = 8, latent: int = 2,
                 opt: Annotated[str, search.Choice("sgd", "adam")] = "sgd", momentum: float = 0.0,
                 lr: Annotated[float, search.Log(1e-3, 1e-1)] = 0.1, pause: float = 0.0):
        super().__init__(lr=lr, pause=pause)
        assert hidden >= latent and out == hidden // 2, (hidden, latent, out)
        assert momentum == 0 or opt == "sgd"
        self.layers = net
        self.sizes = torch.nn.ModuleList(torch.nn.Linear(1, n) for n in (hidden, latent, out))
        self.opt, self.momentum = opt, momentum

    def configure_optimizers(self):
        if self.opt == "adam":
            return torch.optim.Adam(self.parameters(), lr=self.lr)
        return torch.optim.SGD(self.parameters(), lr=self.lr, momentum=self.momentum)
"""
SPACE: dict[str, Any] = {
    "model.lr": "auto",
    "model.opt": "auto",
    "model.momentum": {"float": [0.1, 0.9], "when": {"model.opt": "sgd"}},
    "model.hidden": {"int": [2, 32]},
    "model.latent": {"int": [2, 32]},
    "model.net": {
        "choice": {
            "deep": {
                "value": {"class_path": "nets.Deep"},
                "space": {"width": {"int": [2, 8]}, "tanh": {"choice": [True, False]}},
            },
            "flat": {"value": {"class_path": "nets.Flat", "init_args": {"bias": False}}},
        }
    },
}


@pytest.fixture(scope="module")
def ran(shared_project: Project) -> Project:
    (shared_project.root / "nets.py").write_text(NETS)
    path = shared_project.study(
        model={"class_path": "nets.Net"},
        trainer={"max_epochs": 2, "accelerator": "cpu", "num_sanity_val_steps": 0},
        space=SPACE,
        constraints=["model.hidden >= model.latent"],
        derive={"model.out": "model.hidden // 2"},
        enqueue=[
            {"model.net": "flat", "model.opt": "adam"},
            {"model.net": "deep", "model.net[deep].width": 5, "model.lr": 0.01},
        ],
        budget={"trials": 4},
        baseline=False,
    )
    result = shared_project.run("run", path)
    assert result.returncode == 0, result.stderr
    return shared_project


def params(project: Project, number: int) -> dict[str, Any]:
    return dict(project.events(number)[0]["params"])


def config(project: Project, number: int) -> dict[str, Any]:
    folder = project.root / "studies" / "study" / "trials" / f"{number:04d}"
    tree: dict[str, Any] = yaml.safe_load((folder / "config.yaml").read_text())
    return tree


def test_every_point_was_valid_and_all_that_follows_is_in_the_configuration(ran: Project) -> None:
    # the module itself refuses a point that is not
    assert ran.states() == ["COMPLETE"] * 4
    for number in range(4):
        model, chosen = config(ran, number)["model"]["init_args"], params(ran, number)
        assert model["out"] == chosen["model.init_args.hidden"] // 2
        assert ("momentum" in model) == (model["opt"] == "sgd")
        names = {"deep": "nets.Deep", "flat": "nets.Flat"}
        assert model["net"]["class_path"] == names[chosen["model.init_args.net"]]


def test_fixed_points_came_first(ran: Project) -> None:
    first, second = config(ran, 0)["model"]["init_args"], config(ran, 1)["model"]["init_args"]
    assert first["net"] == {"class_path": "nets.Flat", "init_args": {"bias": False}}
    assert first["opt"] == "adam"
    assert (second["net"]["init_args"]["width"], second["lr"]) == (5, 0.01)


def test_annotated_ranges_are_stored_with_the_study(ran: Project) -> None:
    stored = yaml.safe_load((ran.root / "studies" / "study" / "study.yaml").read_text())["space"]
    assert stored["model.init_args.lr"] == {"float": [0.001, 0.1], "log": True}
    assert stored["model.init_args.opt"] == {"choice": ["sgd", "adam"]}
    # and the same file, which still says auto, goes on with the study
    assert ran.run("run", "study.yaml").returncode == 0


def test_show_has_derived_values(ran: Project) -> None:
    shown = ran.run("show", "1", "-s", "study").stdout
    hidden = params(ran, 1)["model.init_args.hidden"]
    assert "model.init_args.net[deep].init_args.width" in shown
    assert f"{hidden // 2} (derived)" in shown
    told = json.loads(ran.run("show", "1", "-s", "study", "--json").stdout)
    assert told["derived"] == {"model.init_args.out": hidden // 2}


def test_reports_and_exports_take_trials_without_a_parameter(ran: Project, tmp_path: Path) -> None:
    assert ran.run("report", "-s", "study", "-o", tmp_path / "report.html").returncode == 0
    lines = ran.run("export", "-s", "study").stdout.splitlines()
    assert len(lines) == 5
    assert "params.model.init_args.net[deep].init_args.width" in lines[0].split(",")


def test_enqueued_point_is_the_next_trial_and_survives_a_rebuild(ran: Project) -> None:
    told = ran.run("enqueue", "-s", "study", "model.lr=0.02", "model.net=flat")
    assert told.stdout == (
        "study: enqueued model.init_args.lr=0.02  model.init_args.net=flat\n"
        "the next trial of `search resume study` has these values\n"
    )
    (ran.root / "studies" / "study" / "study.db").unlink()
    assert ran.run("rebuild", "study").returncode == 0
    assert ran.run("resume", "study", "--trials", "6").returncode == 0
    assert params(ran, 4)["model.init_args.lr"] == 0.02
    assert params(ran, 5)["model.init_args.lr"] != 0.02


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (["model.lr=5"], "study: model.init_args.lr: must be a number from 0.001 to 0.1, got 5. Write 0.1, or widen the range in space."),
        (["model.lrr=0.1"], "study: model.init_args.lrr: is not searched. Did you mean model.init_args.lr?"),
        (["model.hidden=3", "model.latent=9"], "study: violates model.hidden >= model.latent. Change a value so that it holds."),
        (["model.momentum=0.5", "model.opt=adam"], "study: model.init_args.momentum: exists only where model.init_args.opt is sgd, got adam. Remove it."),
        (["model.lr"], "enqueue: must be PATH=VALUE, got model.lr. Write model.init_args.lr=1e-3."),
        (["model.lr=0.01", "model.lr=0.02"], "enqueue: names model.lr twice. Keep one of them."),
    ],
)  # fmt: skip
def test_point_that_cannot_be_is_refused(ran: Project, values: list[str], problem: str) -> None:
    result = ran.run("enqueue", "-s", "study", *values)
    assert (result.returncode, result.stderr) == (2, problem + "\n")


def test_running_study_takes_an_enqueued_point(project: Project, wait_for: Any) -> None:
    path = project.study(
        model={"class_path": "tiny.Tiny", "init_args": {"pause": 0.2}}, budget={"trials": 3}
    )
    running = project.start("run", path)
    wait_for(lambda: project.epochs(0), "the first report")
    told = project.run("enqueue", "model.lr=0.0123").stdout.splitlines()
    assert told[1] == "the next trial of the running study has these values"
    assert running.wait(timeout=200) == 0
    rates = [params(project, number)["model.init_args.lr"] for number in range(3)]
    assert rates.count(0.0123) == 1
    assert rates[0] != 0.0123


def test_space_may_be_left_to_the_annotations(project: Project) -> None:
    (project.root / "nets.py").write_text(NETS)
    net = {"class_path": "nets.Net", "init_args": {"net": {"class_path": "nets.Deep"}, "out": 4}}
    path = project.study(model=net, space=None, budget={"trials": 1})
    assert project.run("run", path).returncode == 0
    assert set(params(project, 0)) == {
        "model.init_args.opt",
        "model.init_args.lr",
        "model.init_args.net.init_args.width",
    }


def test_range_without_annotation_is_told(project: Project) -> None:
    path = project.study(space={"model.lr": "auto"})
    result = project.run("run", path)
    assert (result.returncode, result.stderr) == (
        2,
        f"{path}: space.model.init_args.lr: is auto, and no annotation says its range. Annotate "
        "the argument with Annotated[float, search.Log(1e-5, 1e-1)], or write the range here.\n",
    )
    assert not (project.root / "studies").exists()
