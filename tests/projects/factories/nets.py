"""Modules that are made as people make them: by functions, by classmethods, of optimizers that
the configuration gives, with arguments that go through `**kwargs`."""

from collections.abc import Callable, Iterable
from typing import Any, Self

import pytorch_lightning as pl
import torch
from pytorch_lightning.cli import LRSchedulerCallable, OptimizerCallable
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset


class Net(pl.LightningModule):
    def __init__(self, features: int = 1, hidden: int = 4, lr: float = 0.1) -> None:
        super().__init__()
        self.lr = lr
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(features, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 1)
        )

    @classmethod
    def from_dataset(cls, dataset: str = "line", **kwargs: Any) -> "Net":
        return cls(features={"line": 1, "plane": 2}[dataset], **kwargs)

    @classmethod
    def from_width(cls, hidden: int = 4) -> Self:
        return cls(hidden=hidden)

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        return torch.nn.functional.mse_loss(self.layers(batch[0]), batch[1])

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.log("val_loss", torch.nn.functional.mse_loss(self.layers(batch[0]), batch[1]))

    def test_step(self, batch: list[Tensor], batch_idx: int) -> None:
        self.log("test_loss", torch.nn.functional.mse_loss(self.layers(batch[0]), batch[1]))

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=self.lr)


class Points(pl.LightningDataModule):
    """Points of y = 2x, or of a plane."""

    def __init__(self, features: int = 1, batch_size: int = 8) -> None:
        super().__init__()
        self.features, self.batch_size = features, batch_size

    def loader(self) -> DataLoader[tuple[Tensor, ...]]:
        x = torch.linspace(-1, 1, 32).unsqueeze(1).expand(-1, self.features)
        data = TensorDataset(x, 2 * x.sum(1, keepdim=True))
        return DataLoader(data, batch_size=self.batch_size)

    train_dataloader = val_dataloader = test_dataloader = loader


def make_net(hidden: int = 4, lr: float = 0.1) -> Net:
    return Net(hidden=hidden, lr=lr)


def make_points(batch_size: int = 8) -> Points:
    return Points(features=2, batch_size=batch_size)


def make_something(hidden: int = 4):  # type: ignore[no-untyped-def]
    return Net(hidden=hidden)


class Wider(Net):
    """Its own argument, and those of the class above."""

    def __init__(self, dropout: float = 0.1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layers.append(torch.nn.Dropout(dropout))


class Encoder(torch.nn.Module):
    def __init__(self, depth: int = 1, width: int = 4) -> None:
        super().__init__()
        rest = [torch.nn.Linear(width, width) for _ in range(depth)]
        self.layers = torch.nn.Sequential(torch.nn.Linear(1, width), *rest)


class Composed(Net):
    """Its `**kwargs` are those of what it is made of, not those of the class above."""

    def __init__(self, lr: float = 0.1, **kwargs: Any) -> None:
        super().__init__(lr=lr)
        self.layers = Encoder(**kwargs).layers


class Open(Net):
    """Nobody can tell from its source what its `**kwargs` may be."""

    def __init__(self, lr: float = 0.1, **kwargs: Any) -> None:
        super().__init__(lr=lr, **dict(kwargs.items()))


class Eager(Net):
    """An optimizer as `_partial_: true` of Hydra gives it, annotated as if it were one."""

    def __init__(self, optimizer: torch.optim.Optimizer, hidden: int = 4) -> None:
        super().__init__(hidden=hidden)
        self.optimizer = optimizer


class Scheduled(Net):
    def __init__(self, scheduler: torch.optim.lr_scheduler.LRScheduler, hidden: int = 4) -> None:
        super().__init__(hidden=hidden)
        self.scheduler = scheduler


class Lazy(Net):
    """What LightningCLI gives such an optimizer: a function of the parameters."""

    def __init__(
        self,
        optimizer: OptimizerCallable = torch.optim.SGD,
        scheduler: LRSchedulerCallable = torch.optim.lr_scheduler.ConstantLR,
        hidden: int = 4,
    ) -> None:
        super().__init__(hidden=hidden)
        self.make_optimizer, self.make_scheduler = optimizer, scheduler

    def configure_optimizers(self) -> Any:
        optimizer = self.make_optimizer(self.parameters())
        return [optimizer], [self.make_scheduler(optimizer)]


class AlsoLazy(Net):
    def __init__(
        self, optimizer: Callable[[Iterable[Any]], torch.optim.Optimizer], hidden: int = 4
    ) -> None:
        super().__init__(hidden=hidden)
        self.make_optimizer = optimizer

    def configure_optimizers(self) -> Any:
        return self.make_optimizer(self.parameters())
