"""Every remedy of the Python API works when it is followed."""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from optuna.distributions import FloatDistribution
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler

import search
from search.errors import SearchError

API = Path(search.__path__[0]) / "api"


class Net(pl.LightningModule):
    def __init__(self, lr: float = 0.1, loss: Any = None) -> None:
        super().__init__()


class Data(pl.LightningDataModule):
    pass


def named(x: float) -> float:
    return x


STOP = pl.callbacks.EarlyStopping
GIVEN: dict[str, Any] = {"model": Net, "space": {"model.lr": search.Log(0.1, 1)}, "metric": "loss"}
# what is wrong, the end of its line, and what that says to write
FOLLOWED: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    ({"model": Net()}, "Write model=Net, model_args={...}.", {"model": Net, "model_args": {"lr": 1}}),
    ({"model": functools.partial(Net, lr=1)}, "Write model=Net, model_args={'lr': 1}.", {"model": Net, "model_args": {"lr": 1}}),
    ({"data": torch.utils.data.DataLoader([1])}, "Write data=MyDataModule, a LightningDataModule class of your own.", {"data": Data}),
    ({"data": [1, 2]}, "Write data=MyDataModule, a LightningDataModule class of your own.", {"data": Data}),
    ({"trainer": {"callbacks": [STOP("loss")]}}, "Write {'class_path': EarlyStopping, 'init_args': {...}}.", {"trainer": {"callbacks": [{"class_path": STOP, "init_args": {"monitor": "loss"}}]}}),
    ({"trainer": pl.Trainer(logger=False)}, "Write trainer={'max_epochs': 20}.", {"trainer": {"max_epochs": 20}}),
    ({"logger": pl.loggers.CSVLogger("x")}, "Write logger='csv'.", {"logger": "csv"}),
    ({"sampler": TPESampler()}, "Write sampler='tpe'.", {"sampler": "tpe"}),
    ({"sampler": TPESampler}, "Did you mean tpe?", {"sampler": "tpe"}),
    ({"pruner": MedianPruner()}, "Write pruner='median'.", {"pruner": "median"}),
    ({"pruner": MedianPruner}, "Did you mean median?", {"pruner": "median"}),
    ({"space": {"model.lr": FloatDistribution(0.1, 1)}}, "Write search.Log(1e-4, 1e-1), search.Float, search.Int or search.Choice.", {"space": {"model.lr": search.Log(1e-4, 1e-1)}}),
    ({"space": {"model.lr": (0.1, 1)}}, "Write {float: [0.1, 1]}, {int: ...} or {choice: ...}.", {"space": {"model.lr": {"float": [0.1, 1]}}}),
    ({"space": {"lr": search.Log(0.1, 1)}}, "Write model.lr, or the section that takes it.", {"space": {"model.lr": search.Log(0.1, 1)}}),
    ({"model_args": {"loss": lambda x: x}}, "Define a function at the top of a file, and give that.", {"model_args": {"loss": named}}),
    ({"model_args": {"loss": torch.nn.MSELoss()}}, "Write {'class_path': MSELoss, 'init_args': {...}}.", {"model_args": {"loss": {"class_path": torch.nn.MSELoss, "init_args": {}}}}),
    ({"model_args": {"loss": torch.ones(2)}}, "Write a list, and make the Tensor of it where it is taken.", {"model_args": {"loss": [1.0, 1.0]}}),
    ({"model_args": {"loss": {1, 2}}}, "Write a list.", {"model_args": {"loss": [1, 2]}}),
    ({"metric": None, "objective": "acc"}, "Write {metric: acc, direction: maximize}, or direction: minimize.", {"metric": None, "objective": {"metric": "acc", "direction": "maximize"}}),
    ({"metric": None, "objective": ["loss", "acc"], "direction": "minimize"}, "Leave it out, and write objective=[{'metric': 'val_loss', 'direction': 'minimize'}, ...].", {"metric": None, "objective": [{"metric": "loss", "direction": "minimize"}, {"metric": "acc", "direction": "maximize"}]}),
    ({"metric": None}, "Add objective: {metric: val_loss}.", {"metric": None, "objective": {"metric": "val_loss"}}),
    ({"model": None}, "Add model: {class_path: my_package.MyModule}.", {"model": {"class_path": Net}}),
    ({"direction": "max"}, "Write direction: maximize.", {"direction": "maximize"}),
    ({"max_epochs": 3}, "Write trainer: {max_epochs: 20}.", {"trainer": {"max_epochs": 20}}),
    ({"model": None, "build": Net()}, "Write build=make, a function at the top of a file.", {"model": None, "build": named}),
    ({"model": None, "build": "named"}, "Write build: my_module.make.", {"model": None, "build": "my_module.make"}),
    ({"name": "a b"}, "Write name: my-study.", {"name": "my-study"}),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("wrong", "remedy", "right"), FOLLOWED, ids=[str(n) for n in range(27)])
def test_remedy_works_when_it_is_followed(
    wrong: dict[str, Any], remedy: str, right: dict[str, Any]
) -> None:
    with pytest.raises(SearchError) as caught:
        search.Study(**{**GIVEN, **wrong})
    assert str(caught.value).endswith(remedy)
    search.Study(**{**GIVEN, **right})


@pytest.mark.parametrize(
    "key", ["trials", "workers", "timeout", "trial_timeout", "total_epochs", "quiet"]
)
def test_argument_of_run_is_told_where_it_belongs(key: str) -> None:
    with pytest.raises(SearchError) as caught:
        search.Study(**GIVEN, **{key: 1})
    assert str(caught.value) == f"Study: {key}: belongs to the run. Write study.run({key}=...)."


@pytest.mark.parametrize("trials", [2.5, "3", True, 0])
def test_trials_are_a_whole_number(tmp_path: Path, trials: Any) -> None:
    study = search.Study(**GIVEN, studies=tmp_path)
    with pytest.raises(SearchError) as caught:
        study.run(trials=trials)
    assert str(caught.value) == f"trials: must be a number from 1, got {trials}. Write trials=50."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: search.Float(3, 1), "search.Float: low must be below high, got low=3, high=1. Swap them."),
        (lambda: search.Int(1.5, 3), "search.Int: int takes whole numbers, got 1.5. Write float for numbers with a point."),
        (lambda: search.Choice([1, 2]), "search.Choice: takes the values themselves. Write Choice(1, 2)."),
    ],
)  # fmt: skip
def test_range_says_its_own_name(make: Any, line: str) -> None:
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value) == line


def test_every_message_of_the_api_ends_in_what_to_do() -> None:
    """A message that is new here is to be followed above."""
    raised = 0
    for path in API.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                text = ast.unparse(node.exc)
                raised += text.startswith(("UserError", "StudyFailed"))
    assert raised == 15
