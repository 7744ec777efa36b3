"""What a class_path may name, and what it takes: classes, functions, classmethods, `**kwargs`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from users_modules import importable

from search.engine.preflight import check_config
from search.layout import TrialFolder
from search.study_file.load import parse_study_tree
from search.study_file.trial_config import LightningSections
from search.trial.tasks.check import check
from search.trial.tasks.describe import describe

PROJECT = Path(__file__).parents[2] / "projects/factories"
ADAM = "{class_path: torch.optim.Adam, init_args: {lr: 0.01}}"
STEP = "{class_path: torch.optim.lr_scheduler.StepLR, init_args: {step_size: 1}}"
CONFIGURE = "which lightning.pytorch.cli has, and make it in configure_optimizers:"
NAMED = "or name a function of your own that says so."

GOOD = [
    ("nets.make_net", ""),
    ("nets.Net.from_dataset", "dict_kwargs: {hidden: 3}"),
    ("nets.Wider", "init_args: {lr: 0.2}"),
    ("nets.Composed", "init_args: {depth: 2}"),
    ("nets.Open", "dict_kwargs: {features: 1}"),
    ("nets.Lazy", f"init_args: {{optimizer: {ADAM}, scheduler: {STEP}}}"),
    ("nets.AlsoLazy", f"init_args: {{optimizer: {ADAM}}}"),
    ("nets.AlsoLazy", "init_args: {optimizer: torch.optim.Adagrad}"),
]
BAD = [
    ("nets.Eager", f"init_args: {{optimizer: {ADAM}}}", f"model.init_args.optimizer: Adam needs the parameters of the module, which does not exist yet. Annotate the argument as OptimizerCallable, {CONFIGURE} self.optimizer(self.parameters())."),
    ("nets.Scheduled", f"init_args: {{scheduler: {STEP}}}", f"model.init_args.scheduler: StepLR needs the optimizer of the module, which does not exist yet. Annotate the argument as LRSchedulerCallable, {CONFIGURE} self.scheduler(optimizer)."),
    ("nets.make_something", "", f'model.class_path: nets.make_something must name the class of what it returns. Write def make_something(...) -> "MyModule":, {NAMED}'),
    ("nets.Net.from_width", "", f'model.class_path: nets.Net.from_width must name the class of what it returns. Write def from_width(...) -> "Net":, {NAMED}'),
    ("nets.make_points", "", "model.class_path: must be a LightningModule, got nets.make_points, which returns Points. Derive the class from pytorch_lightning.LightningModule or lightning.pytorch.LightningModule."),
    ("nets.Net.from_dataset", "init_args: {hidden: 3}", "model.init_args.hidden: no such argument. Net.from_dataset takes it through its **kwargs. Write model.dict_kwargs.hidden."),
    ("nets.Wider", "init_args: {hiden: 3}", "model.init_args.hiden: no such argument. Did you mean hidden?"),
    ("nets.Open", "init_args: {nothing: 3}", "model.init_args.nothing: no such argument. It may be lr. For the **kwargs of Open write model.dict_kwargs.nothing."),
    ("nets.make_nets", "", "model.class_path: nets has no make_nets. Did you mean make_net?"),
    ("nets.Net.from_data", "", "model.class_path: nets.Net has no from_data. Did you mean from_dataset?"),
]  # fmt: skip
TAKEN = [
    ("nets.make_net", {"init_args.hidden": 4, "init_args.lr": 0.1}),
    ("nets.Net.from_dataset", {"init_args.dataset": "line", "dict_kwargs.hidden": 4, "dict_kwargs.lr": 0.1}),
    ("nets.Wider", {"init_args.dropout": 0.1, "init_args.features": 1, "init_args.hidden": 4, "init_args.lr": 0.1}),
    ("nets.Composed", {"init_args.lr": 0.1, "init_args.depth": 1, "init_args.width": 4}),
    ("nets.Open", {"init_args.lr": 0.1}),
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def project() -> Iterator[None]:
    with importable(PROJECT, "nets") as patch:
        patch.setattr(sys, "argv", ["search", "folder"])
        yield


def problems(class_path: str, arguments: str, folder: Path) -> tuple[str, ...]:
    tree: dict[str, Any] = {
        "model": yaml.safe_load(f"{{class_path: {class_path}, {arguments}}}"),
        "data": {"class_path": "nets.Points"},
        "trainer": {"accelerator": "cpu", "max_epochs": 1},
        "objective": {"metric": "val_loss"},
        "space": {"data.batch_size": {"choice": [8, 16]}},
    }
    study_file = parse_study_tree(tree, source="study", default_name="study")
    return check(check_config(study_file), TrialFolder(folder)).problems


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("class_path", "arguments"), GOOD)
def test_it_is_taken(tmp_path: Path, class_path: str, arguments: str) -> None:
    assert problems(class_path, arguments, tmp_path) == ()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("class_path", "arguments", "line"), BAD)
def test_it_is_refused_in_a_line_that_says_what_to_write(
    tmp_path: Path, class_path: str, arguments: str, line: str
) -> None:
    assert problems(class_path, arguments, tmp_path) == (line,)


@pytest.mark.parametrize(("class_path", "taken"), TAKEN)
def test_arguments_are_those_that_the_parser_takes(class_path: str, taken: dict[str, Any]) -> None:
    described = describe(LightningSections(model={"class_path": class_path}))
    assert described.problems == ()
    found = {each.path.removeprefix("model."): each.value for each in described.arguments}
    assert found == taken
    assert described.logged == ("val_loss",)


def test_module_is_no_class_and_names_those_that_it_has() -> None:
    described = describe(LightningSections(model={"class_path": "nets"}))
    others = "make_net, Wider, Composed, Open, Eager, Scheduled, Lazy, AlsoLazy"
    assert described.problems == (
        f"model.class_path: nets is a module. Name a class in it: nets.Net, or another of {others}.",
    )
