"""The length of a whole trial, beside what a whole trial really runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch import Callback

from search.study_file.trial_config import LightningSections
from search.trial.building.build import Built, build, make_trainer
from search.trial.inspection.fit_length import Length, length_of

# what Lightning and torch say of a fit, and of each other
pytestmark = pytest.mark.filterwarnings("ignore")

NETS = '''
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, IterableDataset, TensorDataset


class Endless(IterableDataset):
    def __iter__(self):
        while True:
            yield torch.zeros(1)


class Net(pl.LightningModule):
    """`kind` is what loads its data: one loader, two for each loop, or one without a length."""

    def __init__(self, kind="one", samples=40):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch, index):
        x = batch[0][0] if self.hparams.kind == "two" else batch[0]
        return self.layer(x.reshape(-1, 1)).square().mean()

    def validation_step(self, batch, index, dataloader_idx=0):
        self.log("val_loss", self.layer.weight.sum())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

    def loader(self, samples):
        return DataLoader(TensorDataset(torch.zeros(samples)), batch_size=4)

    def train_dataloader(self):
        if self.hparams.kind == "endless":
            return DataLoader(Endless(), batch_size=4)
        loaders = [self.loader(self.hparams.samples), self.loader(12)]
        return loaders if self.hparams.kind == "two" else loaders[0]

    def val_dataloader(self):
        loaders = [self.loader(20), self.loader(8)]
        return loaders if self.hparams.kind == "two" else loaders[0]
'''


class Counter(Callback):
    train = val = 0

    def on_train_batch_end(self, *_: Any) -> None:
        self.train += 1

    def on_validation_batch_end(self, *_: Any) -> None:
        self.val += 1


@pytest.fixture(autouse=True)
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "length_nets.py").write_text(NETS)
    monkeypatch.syspath_prepend(tmp_path)


def built(kind: str, trainer: dict[str, Any]) -> Built:
    model = {"class_path": "length_nets.Net", "init_args": {"kind": kind}}
    given = {"accelerator": "cpu", "logger": False, "num_sanity_val_steps": 0, **trainer}
    return build(LightningSections(model=model, trainer=given))


@pytest.mark.parametrize(
    ("kind", "trainer"),
    [
        ("one", {"max_epochs": 2}),
        ("one", {"max_epochs": 2, "limit_train_batches": 1}),
        ("one", {"max_epochs": 2, "limit_train_batches": 3, "limit_val_batches": 2}),
        ("one", {"max_epochs": 2, "limit_train_batches": 0.5, "limit_val_batches": 0.5}),
        ("one", {"max_epochs": 3, "limit_val_batches": 0}),
        ("one", {"max_epochs": 5, "check_val_every_n_epoch": 2}),
        ("one", {"max_epochs": 2, "val_check_interval": 0.3}),
        ("one", {"max_epochs": 2, "val_check_interval": 3}),
        ("one", {"max_epochs": 2, "val_check_interval": 7, "check_val_every_n_epoch": None}),
        ("one", {"max_steps": 13}),
        ("one", {"max_steps": 13, "accumulate_grad_batches": 3}),
        ("one", {"max_steps": 4, "max_epochs": 3}),
        ("one", {"max_epochs": 2, "overfit_batches": 3}),
        ("one", {"max_epochs": 2, "reload_dataloaders_every_n_epochs": 1}),
        ("two", {"max_epochs": 2}),
        ("two", {"max_epochs": 2, "limit_train_batches": 5, "limit_val_batches": 3}),
        ("endless", {"max_steps": 6, "accumulate_grad_batches": 2}),
        ("endless", {"max_epochs": 2, "limit_train_batches": 4}),
    ],
)
def test_length_is_what_a_fit_runs(tmp_path: Path, kind: str, trainer: dict[str, Any]) -> None:
    length = length_of(built(kind, trainer), tmp_path)
    whole, counter = built(kind, trainer), Counter()
    make_trainer(whole, tmp_path, [counter]).fit(whole.model)
    assert (length.train_batches, length.val_batches) == (counter.train, counter.val)


@pytest.mark.parametrize(
    ("kind", "trainer", "length"),
    [
        ("one", {}, Length(1000, 10_000, 5_000)),
        ("one", {"max_time": "00:01:00:00"}, Length(max_time_s=3600.0)),
        ("endless", {"max_epochs": 3}, Length()),
        ("one", {"max_epochs": 0}, Length()),
    ],
)
def test_length_of_what_no_test_can_wait_for(
    tmp_path: Path, kind: str, trainer: dict[str, Any], length: Length
) -> None:
    assert length_of(built(kind, trainer), tmp_path) == length


@pytest.mark.real
def test_one_batch_stays_one_batch_whatever_was_imported_before(tmp_path: Path) -> None:
    # in this order typing's cache has the Trainer's int | float the other way round
    code = (
        "import lightning.pytorch, pytorch_lightning, inspect\n"
        "from search.trial.building.build import build\n"
        "trainer = {'limit_train_batches': 1, 'limit_val_batches': 1.0, 'val_check_interval': 1}\n"
        "from search.study_file.trial_config import LightningSections\n"
        "model = {'class_path': 'length_nets.Net'}\n"
        "built = build(LightningSections(model=model, trainer=trainer))\n"
        "assert str(built.trainer_arguments) == str(trainer), built.trainer_arguments\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=tmp_path, check=True)
