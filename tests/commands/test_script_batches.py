"""The micro-batch of a script: probed, named, and made smaller where memory ends."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from conftest import Project, plain

TRAIN = '''
import argparse
import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, TensorDataset


class Net(pl.LightningModule):
    """Memory ends above 10 samples, from epoch `when` on."""

    def __init__(self, lr, when):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch, index):
        if len(batch[0]) > 10 and self.current_epoch >= self.hparams.when:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB")
        return torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1])

    def validation_step(self, batch, index):
        self.log("val_loss", torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)


parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--size", type=int, default=4)
parser.add_argument("--when", type=int, default=0)
parser.add_argument("--fixed", action="store_true")
args = parser.parse_args()
x = torch.linspace(-1, 1, 64).unsqueeze(1)
size = 4 if args.fixed else args.size
loaders = [DataLoader(TensorDataset(x, 2 * x), batch_size=size) for _ in range(2)]
trainer = pl.Trainer(max_epochs=2, accelerator="cpu", limit_train_batches=2)
trainer.fit(Net(args.lr, args.when), *loaders)
'''
LR = {"--lr": {"float": [0.01, 0.1]}}


def study(project: Project, **sections: Any) -> None:
    (project.root / "train.py").write_text(TRAIN)
    given = {"script": "train.py", "model": None, "trainer": None, "space": LR, **sections}
    project.study(**given)


def batches(project: Project, number: int = 0) -> list[tuple[int, int, int]]:
    sizes = [each for each in project.events(number) if each["event"] == "sizes"]
    return [(e["micro_batch"], e["accumulation"], e["effective_batch"]) for e in sizes]


def test_probed_size_is_the_argument_of_each_trial(project: Project) -> None:
    study(project, batch={"argument": "--size", "auto_scale": "binsearch"})
    result = project.run("run", "study.yaml", "--trials", "2")
    assert result.returncode == 0, result.stderr
    assert batches(project) == [(10, 1, 10)]
    assert "--size: 10" in (project.root / "studies/study/trials/0001/config.yaml").read_text()


def test_named_argument_is_halved_where_memory_ends(project: Project) -> None:
    study(project, batch={"argument": "--size"}, arguments={"--size": 16, "--when": 1})
    result = project.run("run", "study.yaml", "--trials", "1")
    assert result.returncode == 0, result.stderr
    assert batches(project)[-1] == (8, 2, 16)
    # the Trainer of the script sees two batches of 16
    assert (
        "limit_train_batches: 4"
        in (project.root / "studies/study/trials/0000/config.yaml").read_text()
    )


@pytest.mark.parametrize(
    ("batch", "line"),
    [
        (
            {"argument": "--sise"},
            "batch.argument: --sise: train.py ends with status 2 before Trainer.fit, after "
            "it said: train.py: error: unrecognized arguments: ",
        ),
        (
            {"argument": "--size", "auto_scale": "power"},
            "batch.argument: --size: batches stay at 4 samples. Name the argument that the "
            "train_dataloaders take as their batch_size.",
        ),
    ],
)
def test_argument_that_is_no_micro_batch_is_refused(
    project: Project, batch: dict[str, str], line: str
) -> None:
    study(project, batch=batch, arguments={"--fixed": True})
    result = project.run("run", "study.yaml", "--trials", "1")
    assert result.returncode == 2
    assert line in result.stderr
    assert not (project.root / "studies/study/trials").exists()


def test_effective_batch_of_a_script_is_made_of_what_fits(project: Project) -> None:
    # two batches of 4 are an epoch of the script itself
    scaling = {"lr_scaling": "linear", "reference": 4}
    study(project, batch={"argument": "--size", "effective": 8, **scaling}, budget={"trials": 1})
    result = project.run("run", project.root / "study.yaml")
    assert result.returncode == 0, result.stderr
    assert batches(project) == [(8, 1, 8)]
    config = yaml.safe_load((project.root / "studies/study/trials/0000/config.yaml").read_text())
    # the same samples as two batches of 4
    assert config["trainer"]["limit_train_batches"] == 1
    assert config["arguments"]["--lr"] == pytest.approx(0.2)
    whole = {"limit_train_batches": 1.0}
    study(project, name="whole", trainer=whole, batch={"argument": "--size", "effective": 64})
    result = project.run("run", project.root / "whole.yaml", "--trials", "1")
    assert result.returncode == 0, result.stderr
    shown = project.run("show", "--study", "whole", "0").stdout
    assert "8 micro-batch × 8 accumulated = 64 effective" in plain(shown)
