"""Searched paths whose values reach training by roundabout ways, and ones that never do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from users_modules import importable

from search.study_file.trial_config import LightningSections
from search.trial.inspection.dead_paths import Consumption, replaced_hooks, section_instead
from search.trial.tasks.variants import build_with_trainer

MODULE = '''
import argparse
import functools
import random
import threading
import lightning.pytorch as pl
import torch
from lightning.pytorch.cli import LRSchedulerCallable, OptimizerCallable

SGD = torch.optim.SGD


class Data(pl.LightningDataModule):
    def __init__(self, batch_size: int = 8, lr: float = 0.1, ignored: float = 1.0):
        super().__init__()
        self.save_hyperparameters()

    def train_dataloader(self):
        return range(self.hparams.batch_size)


class Base(pl.LightningModule):
    """Every configure_optimizers below looks at the Trainer, so none can be called before a fit."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)

    def training_step(self, batch, batch_idx):
        return self.layer(batch).sum()

    def warm_up(self, optimizer):
        steps = self.trainer.estimated_stepping_batches
        return [optimizer], [torch.optim.lr_scheduler.LinearLR(optimizer, total_iters=steps)]


class SavedFactory(Base):
    def __init__(self, optimizer: OptimizerCallable = SGD, ignored: float = 1.0):
        super().__init__()
        self.save_hyperparameters()

    def configure_optimizers(self):
        return self.warm_up(self.hparams.optimizer(self.parameters()))


class KeptFactory(Base):
    def __init__(self, optimizer: OptimizerCallable = SGD, scheduler: LRSchedulerCallable = None):
        super().__init__()
        self.optimizer, self.scheduler = optimizer, scheduler

    def configure_optimizers(self):
        self.trainer.max_epochs
        optimizer = self.optimizer(self.parameters())
        return [optimizer], [self.scheduler(optimizer)]


class Kept(Base):
    """Subclasses keep in `how` what takes the parameters."""

    def __init__(self, how, ignored=None):
        super().__init__()
        self.how = how

    def configure_optimizers(self):
        return self.warm_up(self.how(self.parameters()))


class Partial(Kept):
    def __init__(self, lr: float = 0.1, ignored: float = 1.0):
        super().__init__(functools.partial(SGD, lr=lr))


class Lambda(Kept):
    def __init__(self, lr: float = 0.1):
        super().__init__(lambda parameters: SGD(parameters, lr=lr))


class LambdaDefault(Kept):
    def __init__(self, lr: float = 0.1):
        super().__init__(lambda parameters, lr=lr: SGD(parameters, lr=lr))


class KeywordDefault(Kept):
    def __init__(self, lr: float = 0.1):
        def make(parameters, *, lr=lr):
            return SGD(parameters, lr=lr)
        super().__init__(make)


class BoundMethod(Kept):
    def __init__(self, lr: float = 0.1):
        super().__init__({"lr": lr}.get)


class OneOfTwo(Kept):
    def __init__(self, lr: float = 0.1):
        super().__init__((lambda p: SGD(p, lr=1.0)) if lr > 0.15 else (lambda p: SGD(p, lr=2.0)))


class MadeClass(Kept):
    def __init__(self, lr: float = 0.1):
        super().__init__(type("Made", (SGD,), {"rate": lr}))


class Slots:
    __slots__ = ("lr",)

    def __init__(self, lr):
        self.lr = lr


class Slotted(Kept):
    def __init__(self, lr: float = 0.1):
        class Rest(Slots):
            pass
        super().__init__(Rest(lr))


class Generator(Kept):
    def __init__(self, lr: float = 0.1):
        super().__init__(random.Random(lr))


class OnTheClass(Base):
    def __init__(self, lr: float = 0.1):
        super().__init__()
        OnTheClass.rate = lr

    def configure_optimizers(self):
        return self.warm_up(SGD(self.parameters(), lr=self.rate))


class Options(Base):
    def __init__(self, options: dict = {"lr": 0.1}):
        super().__init__()
        self.save_hyperparameters()

    def configure_optimizers(self):
        return self.warm_up(SGD(self.parameters(), **self.hparams.options))


class OptionsByName(Options):
    def configure_optimizers(self):
        options = self.hparams["options"]
        return self.warm_up(SGD(self.parameters(), lr=options.get("lr")))


class Namespace(Base):
    def __init__(self, lr: float = 0.1):
        super().__init__()
        self.save_hyperparameters({"args": argparse.Namespace(lr=lr)})

    def configure_optimizers(self):
        return self.warm_up(SGD(self.parameters(), **vars(self.hparams.args)))


class FromData(Base):
    def __init__(self, ignored: float = 1.0):
        super().__init__()
        self.save_hyperparameters()

    def configure_optimizers(self):
        saved = self.trainer.datamodule.hparams
        return self.warm_up(SGD(self.parameters(), lr=saved.lr))


class FromDataAsWhole(Base):
    def configure_optimizers(self):
        saved = dict(self.trainer.datamodule.hparams)
        return self.warm_up(SGD(self.parameters(), lr=saved["lr"]))


class Saved(Base):
    def __init__(self, lr: float = 0.1, ignored: float = 1.0):
        super().__init__()
        self.save_hyperparameters()

    def configure_optimizers(self):
        return self.warm_up(SGD(self.parameters(), lr=self.hparams.lr))


class ByGetattr(Saved):
    def configure_optimizers(self):
        return self.warm_up(SGD(self.parameters(), lr=getattr(self.hparams, "lr")))


class ByFunction(Saved):
    def configure_optimizers(self):
        return make_optimizer(self)


def make_optimizer(module):
    return module.warm_up(SGD(module.parameters(), lr=module.hparams.lr))


class ByMethod(Saved):
    def configure_optimizers(self):
        return self.make_optimizer()

    def make_optimizer(self):
        return self.warm_up(SGD(self.parameters(), lr=self.hparams.lr))


class Renamed(Base):
    def __init__(self, lr: float = 0.1):
        super().__init__()
        self.rate = lr

    def configure_optimizers(self):
        return self.warm_up(SGD(self.parameters(), lr=self.rate))


class ReadTwice(Renamed):
    def training_step(self, batch, batch_idx):
        return super().training_step(batch, batch_idx) * self.rate


class Watched(Renamed):
    """A callback reads it."""


class Watching(pl.Callback):
    def on_train_start(self, trainer, module):
        print(module.rate)


class Locked(Saved):
    """Holds what cannot be compared."""

    def __init__(self, lr: float = 0.1, ignored: float = 1.0):
        super().__init__(lr)
        self.lock = threading.Lock()


class Frozen(Base):
    def __init__(self, lr: float = 0.1):
        super().__init__()
        self.layer.requires_grad_(lr > 0.15)


class Marked(Base):
    def __init__(self, lr: float = 0.1):
        super().__init__()
        self.layer.weight.decay = lr


class Lazy(Base):
    def __init__(self, dropout: float = 0.1, ignored: float = 1.0):
        super().__init__()
        self.layer = torch.nn.Sequential(torch.nn.LazyLinear(3), torch.nn.Dropout(dropout))


class OwnLoaders(Base):
    def __init__(self, batch_size: int = 8):
        super().__init__()
        self.batch_size = batch_size

    def train_dataloader(self):
        return range(self.batch_size)
'''
SGD = {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.1}}
DATA = {"data": {"class_path": "ways.Data"}}
OPTIMIZER = {"optimizer": SGD}
WATCHED = OPTIMIZER | {"trainer": {"callbacks": [{"class_path": "ways.Watching"}]}}
FACTORY_LR = "model.init_args.optimizer.init_args.lr"
SAME = "are the same at 0.1 and 0.2"
INSTEAD = "only the model's own {} reads it, and the section {} stands in for that."
SECTION = INSTEAD.format("configure_optimizers", "optimizer")
LOADERS = INSTEAD.format("train_dataloader", "data")
# the module, its other arguments, the searched path, other sections; what is said, None if alive
CASES: list[tuple[str, dict[str, Any], str, dict[str, Any], str | None]] = [
    ("SavedFactory", {"optimizer": SGD}, FACTORY_LR, {}, None),
    ("SavedFactory", {"optimizer": SGD}, "model.init_args.ignored", {}, SAME),
    (
        "KeptFactory",
        {"scheduler": {"class_path": "torch.optim.lr_scheduler.ConstantLR"}},
        "model.init_args.scheduler.init_args.factor",
        {},
        None,
    ),
    ("Partial", {}, "model.init_args.lr", {}, None),
    ("Partial", {}, "model.init_args.ignored", {}, SAME),
    *(
        (name, {}, "model.init_args.lr", {}, None)
        for name in (
            *("Lambda", "LambdaDefault", "KeywordDefault", "BoundMethod", "OneOfTwo"),
            *("MadeClass", "Slotted", "Generator", "OnTheClass", "Namespace", "Saved"),
            *("ByGetattr", "ByFunction", "ByMethod", "Renamed", "Locked", "Frozen", "Marked"),
        )
    ),
    ("Options", {"options": {"lr": 0.1}}, "model.init_args.options.lr", {}, None),
    ("OptionsByName", {"options": {"lr": 0.1}}, "model.init_args.options.lr", {}, None),
    ("FromData", {}, "data.init_args.lr", DATA, None),
    ("FromData", {}, "data.init_args.ignored", DATA, SAME),
    ("FromData", {}, "model.init_args.ignored", DATA, SAME),
    ("FromDataAsWhole", {}, "data.init_args.lr", DATA, None),
    ("Saved", {}, "model.init_args.ignored", {}, SAME),
    ("Saved", {}, "model.init_args.lr", OPTIMIZER, SECTION),
    ("Saved", {}, "model.init_args.ignored", OPTIMIZER, SAME),
    ("Saved", {}, "optimizer.init_args.lr", OPTIMIZER, None),
    ("Renamed", {}, "model.init_args.lr", OPTIMIZER, SECTION),
    ("ByFunction", {}, "model.init_args.lr", OPTIMIZER, SECTION),
    ("ByMethod", {}, "model.init_args.lr", OPTIMIZER, SECTION),
    ("SavedFactory", {"optimizer": SGD}, FACTORY_LR, OPTIMIZER, SECTION),
    ("ReadTwice", {}, "model.init_args.lr", OPTIMIZER, None),
    ("Watched", {}, "model.init_args.lr", WATCHED, None),
    ("Locked", {}, "model.init_args.lr", OPTIMIZER, None),
    ("Locked", {}, "model.init_args.ignored", {}, None),
    ("Lazy", {}, "model.init_args.dropout", {}, None),
    ("Lazy", {}, "model.init_args.ignored", {}, SAME),
    ("OwnLoaders", {}, "model.init_args.batch_size", {}, None),
    ("OwnLoaders", {}, "model.init_args.batch_size", DATA, LOADERS),
    ("OwnLoaders", {}, "data.init_args.batch_size", DATA, None),
]  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("ways")
    (root / "ways.py").write_text(MODULE)
    with importable(root, "ways"):
        yield root


def with_value(config: dict[str, Any], path: str, value: float) -> dict[str, Any]:
    first, _, rest = path.partition(".")
    tree = config.get(first, {})
    return {**config, first: with_value(tree, rest, value) if rest else value}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("module", "arguments", "path", "sections", "said"),
    CASES,
    ids=[f"{case[0]}-{case[2]}-{'-'.join(case[3])}" for case in CASES],
)
def test_dead_path_is_found_and_none_is_imagined(
    root: Path,
    module: str,
    arguments: dict[str, Any],
    path: str,
    sections: dict[str, Any],
    said: str | None,
) -> None:
    consumption = Consumption()
    config = {"model": {"class_path": f"ways.{module}", "init_args": arguments}, **sections}
    for value in (4, 8) if path.endswith("batch_size") else (0.1, 0.2):
        torch.manual_seed(0)
        given = LightningSections.from_tree(with_value(config, path, value))
        consumption.note(path, value, build_with_trainer(given)[0])
    dead = list(consumption.dead())
    assert (dead == []) is (said is None), dead
    if said is not None:
        assert dead[0].startswith(f"space.{path}: changes nothing: ")
        assert said in dead[0]


@pytest.mark.parametrize(
    ("module", "argument", "section"),
    [
        ("Saved", "lr", "optimizer"),
        ("Renamed", "lr", "optimizer"),
        ("ByMethod", "lr", "optimizer"),
        ("OwnLoaders", "batch_size", "data"),
        ("ReadTwice", "lr", None),
        ("Lazy", "dropout", None),
        ("Saved", "ignored", None),
    ],
)
def test_section_that_stands_in_for_the_reader_of_an_argument(
    root: Path, module: str, argument: str, section: str | None
) -> None:
    cls = getattr(__import__("ways"), module)
    assert section_instead(cls, argument, replaced_hooks(True, True)) == section
