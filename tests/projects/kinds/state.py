"""What a module, its data and its callbacks save, and what they keep without saving it."""

from __future__ import annotations

import argparse
import collections
import dataclasses
import datetime
import enum
import functools
import pathlib

import lightning.pytorch as pl
import numpy as np
import torch
import torchmetrics

from kinds.base import Base


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    colours: list


class Saved(Base):
    """Saves what people save in on_save_checkpoint, and makes the next epoch depend on it."""

    def __init__(self, lr: float = 0.05, width: int = 4) -> None:
        super().__init__(lr, width)
        self.criterion = torch.nn.CrossEntropyLoss(weight=torch.ones(2))
        self.kept = {
            "array": np.zeros(3),
            "scalar": np.float64(0.5),
            "ordered": collections.OrderedDict(a=1),
            "default": collections.defaultdict(list, {1: [2]}),
            "counter": collections.Counter("aab"),
            "deque": collections.deque([1, 2], maxlen=3),
            "sets": ({1, 2}, frozenset([3])),
            "time": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
            "day": datetime.date(2026, 1, 2),
            "span": datetime.timedelta(seconds=3),
            "path": pathlib.Path("a/b"),
            "namespace": argparse.Namespace(a=1, b=pathlib.Path("c")),
            "colour": Colour.RED,
            "point": Point(1, [Colour.RED]),
            "type": torch.float32,
            "generator": np.random.default_rng(0),
            "loss": self.criterion,
            "range": range(3),
            "number": 2**200 + 1j,
            "bytes": b"abc",
            (1, "tuple"): slice(1, 2),
        }

    def training_step(self, batch, batch_idx):
        return self.loss(batch) + float(self.kept["array"].sum()) * self.layers[0].weight.sum()

    def on_train_epoch_end(self):
        self.kept["array"] = self.kept["array"] + self.kept["generator"].random(3)

    def on_save_checkpoint(self, checkpoint):
        checkpoint["kept"] = self.kept

    def on_load_checkpoint(self, checkpoint):
        assert {str(key): type(value) for key, value in checkpoint["kept"].items()} == {
            str(key): type(value) for key, value in self.kept.items()
        }
        self.kept = checkpoint["kept"]


HALF = functools.partial(max, 0.5)


class Hyperparameters(Base):
    """Saves hyperparameters that no checkpoint can hold safely."""

    def __init__(
        self,
        lr: float = 0.05,
        width: int = 4,
        where: pathlib.Path = pathlib.Path("x"),
        colour: Colour = Colour.RED,
        criterion: torch.nn.Module | None = None,
        half=HALF,
        square=lambda x: x * x,
    ) -> None:
        super().__init__(lr, width)
        self.save_hyperparameters()


class BestSoFar(Base):
    """A torchmetrics metric that goes on from epoch to epoch, as in lightning-hydra-template."""

    def __init__(self, lr: float = 0.05, width: int = 4) -> None:
        super().__init__(lr, width)
        self.best = torchmetrics.MinMetric()
        self.mean = torchmetrics.MeanMetric()

    def on_train_start(self):
        self.best.reset()
        self.mean.reset()

    def validation_step(self, batch, batch_idx):
        self.mean.update(self.loss(batch))
        self.log("val_mean", self.mean, on_epoch=True)

    def on_validation_epoch_end(self):
        self.best.update(self.mean.compute() * (1 + self.current_epoch % 2))
        self.log("val_loss", self.best.compute())


class Forgetful(Base):
    """Counts in an attribute that nobody saves."""

    seen = 0

    def training_step(self, batch, batch_idx):
        self.seen += 1
        return self.loss(batch) * self.seen


class Stateful(pl.Callback):
    """Keeps what `weights_only` refuses, and scales the weights by it."""

    def __init__(self) -> None:
        self.history = collections.defaultdict(list)

    def on_train_epoch_end(self, trainer, pl_module):
        self.history["loss"].append(np.float32(trainer.callback_metrics["val_loss"]))
        with torch.no_grad():
            pl_module.layers[0].weight.mul_(1 + 0.01 * len(self.history["loss"]))

    def state_dict(self):
        return {"history": self.history, "at": pathlib.PurePosixPath("x")}

    def load_state_dict(self, state_dict):
        self.history = state_dict["history"]


class Thing:
    """Of no kind that a checkpoint can hold."""


class SavesThing(Base):
    """Saves an object of a class of its own, from an epoch on."""

    def __init__(self, lr: float = 0.05, width: int = 4, first: int = 0) -> None:
        super().__init__(lr, width)
        self.first = first

    def on_save_checkpoint(self, checkpoint):
        if self.current_epoch >= self.first:
            checkpoint["things"] = {"one": [Thing()]}


class RefusesToLoad(Base):
    def on_load_checkpoint(self, checkpoint):
        raise KeyError("never saved")


class ScalesAtEnd(Base):
    """Has other weights at the end of an epoch than at its validation."""

    def on_train_epoch_end(self):
        with torch.no_grad():
            self.layers[0].weight.mul_(2.0)
