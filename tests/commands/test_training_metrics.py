"""Metrics that training logs: taken where there are no validations, told of where there are."""

from __future__ import annotations

import csv
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from conftest import Project

CPU = {"max_epochs": 3, "accelerator": "cpu", "num_sanity_val_steps": 0}
MODULES = '''
import lightning.pytorch as pl
import time
import torch
from torch.utils.data import DataLoader, TensorDataset


class Base(pl.LightningModule):
    """Logs `kind` of it: on_step, on_epoch, both, in a hook, or not at all."""

    def __init__(self, lr: float = 0.01, kind: str = "on_step", pause: float = 0.0):
        super().__init__()
        self.lr, self.kind, self.pause, self.seen = lr, kind, pause, []
        self.layer, self.other = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)

    def loss(self, batch):
        time.sleep(self.pause)
        loss = (self.layer(batch[0]) - 2 * batch[0]).square().mean()
        if self.kind in ("on_step", "on_epoch", "both"):
            on_step, on_epoch = self.kind != "on_epoch", self.kind != "on_step"
            self.log("train_loss", loss, on_step=on_step, on_epoch=on_epoch)
        self.seen.append(loss.detach())
        return loss

    def training_step(self, batch, batch_idx):
        return self.loss(batch)

    def on_train_epoch_end(self):
        if self.kind == "hook":
            self.log("train_loss", torch.stack(self.seen).mean())
        self.seen.clear()

    def configure_optimizers(self):
        return torch.optim.SGD(self.layer.parameters(), lr=self.lr)

    def train_dataloader(self):
        x = torch.linspace(-1, 1, 32).unsqueeze(1)
        return DataLoader(TensorDataset(x), batch_size=8, shuffle=True)


class Gan(Base):
    """Two optimizers by hand."""

    def __init__(self, lr: float = 0.01, kind: str = "on_step", pause: float = 0.0):
        super().__init__(lr, kind, pause)
        self.automatic_optimization = False

    def training_step(self, batch, batch_idx):
        for optimizer in self.optimizers():
            loss = self.loss(batch)
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()

    def configure_optimizers(self):
        return [torch.optim.SGD(self.layer.parameters(), lr=self.lr),
                torch.optim.SGD(self.other.parameters(), lr=self.lr)]


class Validating(Base):
    def validation_step(self, batch, batch_idx):
        self.log("val_loss", (self.layer(batch[0]) - 2 * batch[0]).square().mean())

    def val_dataloader(self):
        return self.train_dataloader()


class Empty(Validating):
    def val_dataloader(self):
        return []


class Logging(pl.Callback):
    def on_train_epoch_end(self, trainer, pl_module):
        pl_module.log("train_loss", 1.0 / (1 + trainer.current_epoch))
'''


def study(project: Project, model: str, name: str = "study", **changes: Any) -> Any:
    (project.root / "nets.py").write_text(MODULES)
    cls, _, kind = model.partition(":")
    arguments = {"kind": kind or "on_step", **changes.pop("arguments", {})}
    tree = {
        "trainer": CPU,
        "objective": {"metric": "train_loss"},
        "space": {"model.lr": {"float": [0.01, 0.1]}},
        "budget": {"trials": 1},
    }
    return project.study(
        name, model={"class_path": f"nets.{cls}", "init_args": arguments}, **{**tree, **changes}
    )


def of_epochs(project: Project, number: int) -> list[list[float]]:
    """What Lightning's own logger had of the metric in each epoch, in order."""
    path = project.root / f"studies/study/trials/{number:04d}/logs/metrics.csv"
    epochs: dict[str, list[float]] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            text = row.get("train_loss") or row.get("train_loss_epoch")
            if text:
                epochs.setdefault(row["epoch"], []).append(float(text))
    return [epochs[epoch] for epoch in sorted(epochs)]


def test_metric_of_training_is_taken_where_nothing_validates(project: Project) -> None:
    """Its value is that of the epoch's end, of which there is one a step."""
    path = study(
        project,
        "Gan",
        trainer={**CPU, "log_every_n_steps": 1},
        space={"model.kind": {"choice": ["on_step", "on_epoch", "both", "hook"]}},
        sampler="grid",
        budget={"trials": 4},
    )
    result = project.run("run", path)
    assert result.returncode == 0, result.stderr
    assert (
        "objective.metric: train_loss is logged in training, and there are no validations; its "
        "value is that of an epoch's end"
    ) in result.stdout
    for number, curve in project.curves().items():
        assert list(curve) == [1, 2, 3]
        last = [values[-1] for values in of_epochs(project, number)]
        assert list(curve.values()) == pytest.approx(last)
        (end,) = [e for e in project.events(number) if e["event"] == "attempt_ended"]
        assert end["value"] == min(curve.values())
        assert (project.root / f"studies/study/trials/{number:04d}/best.ckpt").is_file()


def test_metric_of_training_beside_validations_is_told(project: Project) -> None:
    """One that only an epoch's end has is taken, too; a validation inside changes nothing."""
    path = study(project, "Validating:on_epoch", trainer={**CPU, "val_check_interval": 0.5})
    result = project.run("run", path)
    assert result.returncode == 0, result.stderr
    line = (
        "objective.metric: train_loss is logged in training alone; its value is that of an "
        "epoch's end. Validations log val_loss"
    )
    assert line in result.stdout
    assert list(project.curves()[0]) == [1, 2, 3]
    assert f"warning metric {line}" in " ".join(project.run("check", path).stdout.split())
    assert project.run("export", "-s", "study", "best").returncode == 0
    assert project.run("replay", "best").stdout.endswith("difference  0\n")


def test_no_validations_by_a_limit_of_none(project: Project) -> None:
    off = {**CPU, "limit_val_batches": 0}
    assert project.run("run", study(project, "Validating", trainer=off)).returncode == 0
    assert project.run("run", study(project, "Empty", "empty")).returncode == 0
    assert project.curves().keys() == project.curves("empty").keys() == {0}
    path = study(project, "Validating", "other", trainer=off, objective={"metric": "val_loss"})
    result = project.run("run", path)
    assert (result.returncode, result.stderr) == (
        2,
        f"{path}: objective.metric: val_loss has no value, because no validation ran: "
        "trainer.limit_val_batches is 0. Raise it.\n",
    )


def test_metric_of_a_callback_is_taken(project: Project) -> None:
    trainer = {**CPU, "callbacks": [{"class_path": "nets.Logging"}]}
    result = project.run("run", study(project, "Base:none", trainer=trainer))
    assert result.returncode == 0, result.stderr
    assert list(project.curves()[0].values()) == pytest.approx([1, 1 / 2, 1 / 3])


def test_metric_that_nothing_logs_is_refused(project: Project) -> None:
    path = study(project, "Base", objective={"metric": "train_los"})
    assert project.run("run", path).stderr == (
        f"{path}: objective.metric: train_los is not logged in training, and there are no "
        "validations; logged are train_loss. Did you mean train_loss?\n"
    )
    path = study(project, "Base:none", objective={"metric": "loss"})
    assert project.run("run", path).stderr == (
        f"{path}: objective.metric: loss is not logged in training, and nothing is logged. "
        'Call self.log("loss", ...) in training_step.\n'
    )


def test_trial_without_validations_goes_on_and_is_replayed(
    project: Project, wait_for: Callable[..., Any]
) -> None:
    slow = {"arguments": {"pause": 0.05}, "trainer": {**CPU, "max_epochs": 5}}
    assert project.run("run", study(project, "Gan", "reference", **slow)).returncode == 0
    path = study(project, "Gan", **slow)
    process = project.start("run", path)
    wait_for(lambda: project.epochs() >= 2, "two epochs")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert project.run("run", path).returncode == 0
    assert project.curves() == project.curves("reference")
    assert project.run("export", "-s", "study", "best").returncode == 0
    replayed = project.run("replay", "best")
    assert replayed.stdout.endswith("difference  0\n"), replayed.stderr


def test_init_proposes_what_training_logs(project: Project) -> None:
    study(project, "Gan")
    assert project.run("init", "nets:Gan", "-o", "new.yaml").returncode == 0
    assert "metric: train_loss" in (project.root / "new.yaml").read_text()
