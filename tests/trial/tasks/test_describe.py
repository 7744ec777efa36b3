"""What the classes of a configuration say of themselves."""

from __future__ import annotations

import enum
from typing import Annotated, Any, Literal

import lightning.pytorch as pl
import torch

from search.answers import Description
from search.space.distributions import FloatRange
from search.study_file.trial_config import LightningSections
from search.trial.inspection.logged_names import logged_at_validation
from search.trial.tasks.describe import describe
from search.wire import decode, encode


class Shape(enum.Enum):
    ROUND = 1
    SQUARE = 2


class Base(pl.LightningModule):
    def __init__(self, depth: int = 2, hidden: int = 1, **rest: Any) -> None:
        super().__init__()

    def step(self, batch: Any, stage: str, suffix: str = "_loss") -> None:
        self.log(f"{stage}{suffix}", 0.0)
        self.log_dict({stage + "_acc": 0.0, f"{batch}_unknown": 0.0})


class Net(Base):
    def __init__(
        self,
        lr: Annotated[float, FloatRange(1e-5, 1e-1, log=True)],
        rate: Annotated[float, FloatRange(0.0, 1.0)] | None = None,
        activation: Literal["relu", "gelu"] = "relu",
        shape: Shape = Shape.ROUND,
        flag: bool = True,
        scale: int | float = 2,
        untyped=0.5,
        loss: torch.nn.Module | None = None,
        hidden: int = 64,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)

    def training_step(self, batch: Any, batch_idx: int) -> None:
        self.step(batch, "train")

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.step(batch, stage="val")
        name = "computed"
        self.log(name, 0.0)

    def on_validation_epoch_end(self) -> None:
        self.log(name="val_f1", value=0.0)


class Silent(pl.LightningModule):
    pass


def described(**init_args: Any) -> Description:
    path = f"{__name__}.Net"
    return describe(LightningSections(model={"class_path": path, "init_args": init_args}))


def test_arguments_have_kind_value_and_range() -> None:
    found = described(flag=False, hidden=32)
    assert found.problems == ()
    rows = {each.name: (each.kind, each.value, each.choices) for each in found.arguments}
    assert rows == {
        "lr": ("float", None, ()),
        "rate": ("float", None, ()),
        "activation": ("choice", "relu", ("relu", "gelu")),
        "shape": ("choice", "ROUND", ("ROUND", "SQUARE")),
        "flag": ("bool", False, ()),
        "scale": ("float", 2, ()),
        "untyped": ("float", 0.5, ()),
        "loss": ("other", None, ()),
        "hidden": ("int", 32, ()),
        "depth": ("int", 2, ()),
    }
    by_name = {each.name: each for each in found.arguments}
    assert by_name["lr"].path == "model.init_args.lr"
    assert by_name["lr"].hint == {"float": [1e-5, 1e-1], "log": True}
    assert by_name["rate"].hint == {"float": [0.0, 1.0]}
    assert [each.name for each in found.arguments if each.is_required] == ["lr"]
    assert decode(encode(found)) == found


def test_names_logged_at_a_validation_are_read_from_the_source() -> None:
    assert logged_at_validation(Net) == ("val_loss", "val_acc", "val_f1")
    assert logged_at_validation(Silent) == ()
