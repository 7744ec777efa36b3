"""Studies of a script: what is laid over its Trainer, and what may change between runs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import Project

PROJECTS = Path(__file__).parents[1] / "projects/scripts"

TRAIN = '''
import argparse
import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import EarlyStopping
from torch.utils.data import DataLoader, TensorDataset


class Net(pl.LightningModule):
    """Its loss never falls."""

    def __init__(self, lr, hidden, latent):
        super().__init__()
        self.save_hyperparameters()
        self.net = torch.nn.Sequential(torch.nn.Linear(1, hidden), torch.nn.Linear(hidden, latent))

    def loss(self, batch):
        return self.net(batch[0]).square().mean() * self.hparams.lr

    def training_step(self, batch, index):
        return self.loss(batch)

    def validation_step(self, batch, index):
        self.log("val_loss", self.loss(batch) + self.current_epoch)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=1e-3)


parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--hidden", type=int, default=4)
parser.add_argument("--latent", type=int, default=4)
parser.add_argument("--epochs", type=int, default=6)
args = parser.parse_args()
x = torch.linspace(-1, 1, 8).unsqueeze(1)
loader = DataLoader(TensorDataset(x), batch_size=4)
stop = EarlyStopping("val_loss", patience=5)
trainer = pl.Trainer(max_epochs=args.epochs, accelerator="cpu", callbacks=[stop])
print("seeded with", torch.initial_seed())
trainer.fit(Net(args.lr, args.hidden, args.latent), loader, loader)
'''


def study(project: Project, **sections: Any) -> None:
    (project.root / "train.py").write_text(TRAIN)
    given = {"script": "train.py", "model": None, "trainer": None, **sections}
    project.study(**given)


def test_callbacks_seeds_and_rules_reach_the_script(project: Project) -> None:
    stopping = {
        "class_path": "pytorch_lightning.callbacks.EarlyStopping",
        "init_args": {"monitor": "val_loss", "patience": 4},
    }
    study(
        project,
        trainer={"callbacks": [stopping]},
        space={
            "trainer.callbacks.0.patience": {"choice": [1, 3]},
            "seed_everything": {"choice": [5, 6]},
            "--hidden": {"choice": [2, 8]},
            "--latent": {"choice": [4, 6]},
        },
        constraints=["--hidden >= --latent"],
        derive={"--lr": "1 / --hidden"},
        sampler="grid",
        budget={"trials": 20},
    )
    result = project.run("run", "study.yaml")
    assert result.returncode == 0, result.stderr
    # 16 combinations, of which half keep the constraint
    assert project.states() == ["COMPLETE"] * 8
    for number in range(8):
        (sampled,) = [each for each in project.events(number) if each["event"] == "sampled"]
        params = sampled["params"]
        assert params["arguments.--hidden"] == 8
        patience = params["trainer.callbacks.0.init_args.patience"]
        assert project.epochs(number) == patience + 1
        log = project.root / f"studies/study/trials/{number:04d}/log.txt"
        assert f"seeded with {params['seed_everything']}\n" in log.read_text()
    again = project.run("run", "study.yaml")
    assert "8 of 8 trials done" in again.stdout
    changed = project.run("run", "study.yaml", "--set", "--epochs=7")
    assert changed.returncode == 2
    assert "arguments.--epochs: was not set, is 7" in changed.stderr


@pytest.mark.parametrize(
    ("sections", "line"),
    [
        (
            {"trainer": {"max_epoch": 3}},
            "study.yaml: trainer.max_epoch: no such argument. Did you mean max_epochs?",
        ),
        (
            {"space": {"--hiden": {"int": [1, 8]}}},
            "study.yaml: script: train.py ends with status 2 before Trainer.fit, after it said: "
            "train.py: error: unrecognized arguments: --hiden 1. Correct arguments and space, so "
            "that it trains.",
        ),
    ],
)
def test_name_that_nobody_knows_is_told_before_any_trial(
    project: Project, sections: dict[str, Any], line: str
) -> None:
    study(project, **{"space": {"--lr": {"float": [0.1, 1]}}, **sections})
    result = project.run("run", "study.yaml")
    assert (result.returncode, result.stderr.splitlines()[-1]) == (2, line)
    assert not (project.root / "studies/study/trials").exists()


def test_hydras_script_is_checked_again_only_where_its_configuration_has_changed(
    project: Project,
) -> None:
    shutil.copytree(PROJECTS / "hydra_compose", project.root, dirs_exist_ok=True)
    shutil.copy(PROJECTS / "nets.py", project.root)
    config = project.root / "conf/config.yaml"
    config.write_text(config.read_text().replace("max_epochs: 12", "max_epochs: 1"))
    again = "loading torch, then one training step to check the study file"
    first = project.run("run", "study.yaml", "--trials", "1")
    assert f"{again}\n" in first.stdout, first.stderr
    known = project.run("run", "study.yaml", "--trials", "2")
    assert "loading torch; the study file was checked before" in known.stdout
    config.write_text(config.read_text().replace("seed: 3", "seed: 4"))
    changed = project.run("run", "study.yaml", "--trials", "3")
    assert f"{again} again: conf/config.yaml has changed" in changed.stdout
    assert project.states() == ["COMPLETE"] * 3
