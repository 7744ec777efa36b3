"""A searched option of a script that nothing reads is named before any trial; one that anything
reads is not, wherever that is."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
import torch

from search.engine.preflight import check_config
from search.layout import TrialFolder
from search.study_file.load import parse_study_tree
from search.trial.attempt import read_config
from search.trial.building.script_process import as_it_was
from search.trial.tasks.check import check

SCRIPT = """
import argparse

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, TensorDataset


class Decay(pl.Callback):
    def __init__(self, factor):
        self.factor = factor

    def on_train_epoch_end(self, trainer, pl_module):
        for group in trainer.optimizers[0].param_groups:
            group["lr"] *= self.factor


class Net(pl.LightningModule):
    def __init__(self, args, lr):
        super().__init__()
        self.automatic_optimization = False
        self.lr, self.second_lr, self.kind = lr, args.second_lr, args.optimizer
        self.momentum = args.momentum if args.optimizer == "sgd" else 0.0
        self.first, self.second = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)

    def loss(self, batch):
        return torch.nn.functional.mse_loss(self.second(self.first(batch[0])), batch[1])

    def training_step(self, batch, index):
        optimizers = self.optimizers()
        for optimizer in optimizers:
            optimizer.zero_grad()
        self.manual_backward(self.loss(batch) * OPTIONS.global_scale)
        for optimizer in optimizers:
            optimizer.step()

    def validation_step(self, batch, index):
        self.log("val_loss", self.loss(batch))

    def configure_optimizers(self):
        momentum = {"momentum": self.momentum} if self.kind == "sgd" else {}
        kind = torch.optim.SGD if self.kind == "sgd" else torch.optim.Adam
        return [
            kind(self.first.parameters(), lr=self.lr, **momentum),
            torch.optim.SGD(self.second.parameters(), lr=self.second_lr),
        ]


parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--second-lr", type=float, default=0.1)
parser.add_argument("--batch-size", type=int, default=8)
parser.add_argument("--clip", type=float, default=1.0, help="unused in manual optimization")
parser.add_argument("--decay-factor", type=float, default=0.9)
parser.add_argument("--optimizer", choices=["adam", "sgd"], default="adam")
parser.add_argument("--momentum", dest="momentum", type=float, default=0.9)
parser.add_argument("--pretrain-lr", type=float, default=0.1)
parser.add_argument("--global-scale", type=float, default=1.0)
parser.add_argument("--unused", type=float, default=1.0, help="nothing reads it")
parser.add_argument("--printed", type=float, default=1.0)
parser.add_argument("--kept-as", dest="other", type=float, default=1.0)
args = parser.parse_args()


class OPTIONS:
    global_scale = args.global_scale


print(args.printed)
x = torch.linspace(-1, 1, 32).unsqueeze(1)
data = TensorDataset(x, 2 * x)


def loader(size):
    return DataLoader(data, batch_size=size)


def fit(model, **given):
    trainer = pl.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False, **given)
    trainer.fit(model, loader(args.batch_size), loader(32))


before = Net(args, args.pretrain_lr)
fit(before)
model = Net(args, args.lr)
model.first.load_state_dict(before.first.state_dict())
fit(model, limit_train_batches=args.clip, callbacks=[Decay(args.decay_factor)])
"""
# the same with all that it does in a function
HEAD, MAIN = SCRIPT.split("\nparser = ")
WITHOUT_GLOBALS = (
    HEAD.replace(" * OPTIONS.global_scale", "")
    + "\ndef main():\n"
    + textwrap.indent("parser = " + MAIN, "    ")
    + "\n\nmain()\n"
)
LIVE = {
    "--lr": "only the optimizer",
    "--second-lr": "only the second optimizer",
    "--batch-size": "only the data loader",
    "--clip": "only the Trainer",
    "--decay-factor": "only a callback",
    "--optimizer": "the choice of an optimizer",
    "--momentum": "only with the other optimizer",
    "--pretrain-lr": "only a fit before",
    "--global-scale": "only a global, while training",
}

# of another option's value, of a global
_NOT_ALONE = ("--momentum", "--global-scale")


def space_of(*names: str) -> dict[str, object]:
    space: dict[str, object] = {name: {"float": [0.25, 0.5]} for name in names}
    space |= {"--batch-size": {"choice": [4, 8]}} if "--batch-size" in names else {}
    space |= {"--optimizer": {"choice": ["adam", "sgd"]}} if "--optimizer" in names else {}
    return space


def problems(
    folder: Path, *names: str, script: str = SCRIPT, **sections: object
) -> tuple[str, ...]:
    path = folder / "train.py"
    path.write_text(script)
    tree = {"script": str(path), "objective": "val_loss", "space": space_of(*names), **sections}
    study = parse_study_tree(tree, source="study.yaml", default_name="study")
    trial = TrialFolder(folder)
    check_config(study).write(trial.config)
    with as_it_was():
        return check(read_config(trial), trial).problems


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
def test_option_that_anything_reads_is_alive(tmp_path: Path) -> None:
    assert problems(tmp_path, *LIVE) == ()


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in LIVE if name not in _NOT_ALONE])
def test_option_that_one_thing_reads_is_alive_by_what_it_changes(tmp_path: Path, name: str) -> None:
    assert problems(tmp_path, name, script=WITHOUT_GLOBALS) == ()


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
def test_each_option_that_nothing_reads_is_named(tmp_path: Path) -> None:
    found = problems(tmp_path, "--lr", "--optimizer", "--unused", "--kept-as")
    assert found == tuple(
        f"space.arguments.{name}: changes nothing: model, data, optimizer and Trainer are the same "
        "at 0.25 and 0.5. Use it in the code, or search something else."
        for name in ("--unused", "--kept-as")
    )


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
def test_option_that_is_printed_alone_is_dead_where_no_other_could_make_it_count(
    tmp_path: Path,
) -> None:
    assert problems(tmp_path, "--printed") == ()
    (found,) = problems(tmp_path, "--printed", script=WITHOUT_GLOBALS)
    assert found.startswith("space.arguments.--printed: changes nothing: ")
    assert problems(tmp_path, "--printed", "--lr", script=WITHOUT_GLOBALS) == ()


# `--sgd-momentum` counts with one optimizer alone, and nothing has its name
BY_PREFIX = WITHOUT_GLOBALS.replace('args.momentum if args.optimizer == "sgd" else 0.0', "0.0")
BY_PREFIX = BY_PREFIX.replace('"--momentum", dest="momentum"', '"--sgd-momentum"').replace(
    'self.kind == "sgd" else {}\n',
    """self.kind == "sgd" else {}
        if self.kind == "sgd":
            momentum = {name[4:]: each for name, each in self.options if name[:4] == "sgd_"}
""",
)


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
def test_option_that_is_read_among_all_counts_with_another_ones_value(tmp_path: Path) -> None:
    items = (
        "args.optimizer\n        self.options = [] if self.kind == 'adam' else vars(args).items()"
    )
    script = BY_PREFIX.replace("args.optimizer\n", items + "\n", 1)
    assert problems(tmp_path, "--optimizer", "--sgd-momentum", script=script) == ()


HYDRA = """
import hydra
import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, TensorDataset


class Net(pl.LightningModule):
    def __init__(self, optimizer):
        super().__init__()
        self.optimizer = optimizer
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch, index):
        return self.layer(batch[0]).square().mean()

    def validation_step(self, batch, index):
        self.log("val_loss", self.layer(batch[0]).square().mean())

    def configure_optimizers(self):
        return self.optimizer(self.parameters())


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    optimizer = hydra.utils.instantiate(cfg.sgd if cfg.kind == "sgd" else cfg.adam)
    data = TensorDataset(torch.linspace(-1, 1, 8).unsqueeze(1))
    trainer = pl.Trainer(max_epochs=1, accelerator="cpu", logger=False)
    trainer.fit(Net(optimizer), DataLoader(data), DataLoader(data))


main()
"""
CONFIG = """
kind: adam
rate: 0.1
unused: 0.1
other: {unused: 0.1}
adam: {_target_: torch.optim.Adam, _partial_: true}
sgd: {_target_: torch.optim.SGD, _partial_: true, lr: "${rate}", momentum: 0.9}
"""


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
def test_value_of_hydra_counts_by_an_interpolation_and_by_its_section(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/config.yaml").write_text(CONFIG)
    space = {each: {"float": [0.25, 0.5]} for each in ("rate", "sgd.momentum", "other.unused")}
    sections = {"hydra": True, "space": {"kind": {"choice": ["adam", "sgd"]}, **space}}
    (found,) = problems(tmp_path, script=HYDRA, **sections)
    assert found.startswith("space.arguments.other.unused: changes nothing: ")


ALONE = """
import argparse

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--scale", type=float, default=1.0)
given = parser.parse_args().scale
before = None


class Scaled(torch.nn.Module):
    factor = 1.0

    def forward(self, x):
        return self.factor * x


def loss_of(x, factor=1.0):
    return factor * x.square().mean()


def make(factor):
    class Net(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False), Scaled())
            torch.nn.init.ones_(self.layers[0].weight)

        def training_step(self, batch, index):
            return factor * loss_of(self.layers(batch[0]))

        def validation_step(self, batch, index):
            self.log("val_loss", loss_of(self.layers(batch[0])))

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    return Net()


data = TensorDataset(torch.linspace(-1, 1, 32).unsqueeze(1))
trainer = pl.Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False)
trainer.fit(make(1.0), DataLoader(data, batch_size=8, shuffle=True), DataLoader(data))
"""


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("make(1.0)", "make(given)", id="a name around the class"),
        pytest.param("    factor = 1.0", "    factor = given", id="an attribute of a class"),
        pytest.param("(x, factor=1.0)", "(x, factor=given)", id="a default"),
        pytest.param(
            "before = None", "pl.seed_everything(int(100 * given))", id="what is drawn in the fit"
        ),
        pytest.param(
            "before = None", "torch.set_num_threads(1 + (given > 0.3))", id="a switch of torch"
        ),
        pytest.param("before = None", "print(given)", id="nothing"),
    ],
)
def test_option_counts_by_whatever_way_it_comes_to_training(
    tmp_path: Path, old: str, new: str
) -> None:
    threads = torch.get_num_threads()
    found = problems(tmp_path, "--scale", script=ALONE.replace(old, new))
    torch.set_num_threads(threads)
    assert bool(found) is (new == "print(given)")
