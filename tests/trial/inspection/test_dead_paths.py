"""A searched path that nothing reads is named before any trial; one that anything reads is not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from users_modules import importable

from search.engine.preflight import check_config
from search.layout import TrialFolder
from search.study_file.load import load_study_file
from search.trial.tasks.check import check

MODULE = """
import functools
import lightning.pytorch as pl
import numpy
import torch
from torch.utils.data import DataLoader, TensorDataset


class Stop(pl.Callback):
    def __init__(self, after: int = 1, ignored: int = 1):
        self.after = after


class Data(pl.LightningDataModule):
    def __init__(self, batch_size: int = 8, shift: float = 0.0, noise: float = 0.0,
                 offset: float = 0.0, ignored: int = 1):
        super().__init__()
        self.values, self.array = torch.ones(3) + noise, numpy.ones(3) + offset
        self.save_hyperparameters()
        self.make = functools.partial(torch.add, alpha=shift)

    def train_dataloader(self):
        x = torch.linspace(-1, 1, 32).unsqueeze(1)
        return DataLoader(TensorDataset(x, 2 * x), batch_size=self.hparams.batch_size)

    val_dataloader = train_dataloader


class Opaque(Data):
    def __init__(self, count: int = 1):
        super().__init__()
        self.drawn = (number for number in range(count))


class Net(pl.LightningModule):
    def __init__(self, width: int = 4, lr: float = 0.1, dropout: float = 0.1, kept: float = 1.0,
                 scaled: float = 1.0, ignored: int = 1, fixed: float = 0.5, inner: int = 1,
                 text: str = "a", closed: float = 1.0):
        super().__init__()
        self.save_hyperparameters()
        self.kept = kept
        self.by = lambda x: x * closed
        self.options = {"deep": [{"inner": inner}], "text": {text}}
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(1, width), torch.nn.Dropout(dropout), torch.nn.Dropout(min(fixed, 0.2)),
            torch.nn.Linear(width, 1))

    def training_step(self, batch, batch_idx):
        loss = torch.nn.functional.mse_loss(self.layers(batch[0]), batch[1])
        return self.hparams["scaled"] * loss

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", torch.nn.functional.mse_loss(self.layers(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)


class Whole(Net):
    def __init__(self, unclear: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.save_hyperparameters()

    def on_fit_start(self):
        print(self.hparams)
"""
STUDY = """\
model: {class_path: reading.%s}
data: {class_path: reading.%s}
trainer: {max_epochs: 1, accelerator: cpu, callbacks: [{class_path: reading.Stop}]}
objective: {metric: val_loss}
space: {%s}
"""
ALIVE = {
    "model.width": "{int: [2, 8]}",
    "model.lr": "{float: [0.1, 0.2]}",
    "model.dropout": "{float: [0.1, 0.2]}",
    "model.kept": "{float: [0.1, 0.2]}",
    "model.scaled": "{float: [0.1, 0.2]}",
    "model.inner": "{int: [1, 2]}",
    "model.text": "{choice: [a, b]}",
    "model.closed": "{float: [0.1, 0.2]}",
    "data.batch_size": "{choice: [4, 8]}",
    "data.shift": "{float: [0.1, 0.2]}",
    "data.noise": "{float: [0.1, 0.2]}",
    "data.offset": "{float: [0.1, 0.2]}",
    "trainer.callbacks.0.after": "{int: [1, 3]}",
    "trainer.gradient_clip_val": "{float: [0.1, 0.2]}",
    "seed_everything": "{int: [1, 3]}",
}
DEAD = {
    "model.init_args.ignored": ("{int: [1, 3]}", "1 and 3"),
    "model.init_args.fixed": ("{float: [0.3, 0.6]}", "0.3 and 0.6"),
    "data.init_args.ignored": ("{choice: [1, 2, 4]}", "1 and 4"),
    "trainer.callbacks.0.init_args.ignored": ("{int: [1, 3]}", "1 and 3"),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("reading")
    (root / "reading.py").write_text(MODULE)
    with importable(root, "reading") as patch:
        patch.chdir(root)
        yield root


def problems(root: Path, model: str, space: dict[str, str], data: str = "Data") -> tuple[str, ...]:
    path = root / "study.yaml"
    path.write_text(
        STUDY % (model, data, ", ".join(f"{key}: {each}" for key, each in space.items()))
    )
    return check(check_config(load_study_file(path)), TrialFolder(root)).problems


@pytest.mark.real
@pytest.mark.filterwarnings("ignore")
def test_what_anything_reads_is_alive(root: Path) -> None:
    assert problems(root, "Net", ALIVE) == ()


@pytest.mark.filterwarnings("ignore")
def test_each_dead_path_is_named(root: Path) -> None:
    dead = problems(root, "Net", {path: text for path, (text, _) in DEAD.items()})
    assert dead == tuple(
        f"space.{path}: changes nothing: model, data, optimizer and Trainer are the same at "
        f"{values}. Use it in the code, or search something else."
        for path, (_, values) in DEAD.items()
    )


@pytest.mark.filterwarnings("ignore")
def test_hyperparameters_read_as_a_whole_may_all_be_alive(root: Path) -> None:
    assert problems(root, "Whole", {"model.unclear": "{int: [1, 3]}"}) == ()


@pytest.mark.filterwarnings("ignore")
def test_what_cannot_be_compared_counts_as_alive(root: Path) -> None:
    assert problems(root, "Net", {"data.count": "{int: [1, 3]}"}, "Opaque") == ()
