"""The kinds of modules, data, callbacks, loggers and strategies that are promised to work.

A row here is a row of `docs/conformance.md`, which `python -m conformance.table` (in tests) writes;
`test_conformance.py` earns each of its cells. The classes are in `tests/projects/kinds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EXACT = "exact"
SAME = "same value"


@dataclass(frozen=True)
class Kind:
    """A kind of project, and what is promised of it."""

    group: str
    name: str
    model: str = "kinds.base.Base"
    # arguments of the model's class
    init_args: Mapping[str, Any] = field(default_factory=dict)
    # over the Trainer's arguments that every kind has
    trainer: Mapping[str, Any] = field(default_factory=dict)
    # other sections of the trial's configuration
    sections: Mapping[str, Any] = field(default_factory=dict)
    # EXACT, or what is said before the study about a trial that goes on
    resume: str = EXACT
    # SAME, or why plain LightningCLI comes to another value
    replay: str = SAME

    @property
    def cells(self) -> tuple[str, ...]:
        """Of its row in the table."""
        resumed = EXACT if self.resume == EXACT else "told before the study"
        return self.group, self.name, "yes", resumed, "yes", self.replay


def lightning(name: str, **arguments: Any) -> dict[str, Any]:
    """One of Lightning's own callbacks."""
    return {"class_path": f"lightning.pytorch.callbacks.{name}", "init_args": arguments}


def _modules() -> list[Kind]:
    def of(name: str, model: str = "base.Base", **more: Any) -> Kind:
        return Kind("modules", name, f"kinds.{model}", **more)

    every_other = {"check_val_every_n_epoch": 2, "max_epochs": 6}
    steps = {"max_epochs": -1, "max_steps": 20}
    return [
        of("dropout, shuffled loader"),
        of("the same with pytorch_lightning", "other.Base"),
        of("value of the last epoch", sections={"value": "last"}),
        of("length in steps", trainer=steps),
        of("validations within an epoch", trainer={"val_check_interval": 0.5}),
        of("scheduler of an epoch", "schedules.StepLr"),
        of("ReduceLROnPlateau", "schedules.Plateau"),
        of("ReduceLROnPlateau, length in steps", "schedules.Plateau", trainer=steps),
        of("warm-up by estimated_stepping_batches", "schedules.WarmUp"),
        of("manual optimization, schedulers in on_train_epoch_end", "schedules.Manual"),
        of("manual ReduceLROnPlateau", "schedules.ManualPlateau", trainer=every_other),
        of("random numbers in every hook", "randomness.InHooks"),
        of("generators of its own", "randomness.OwnGenerators"),
        of("torchmetrics: the best so far", "state.BestSoFar"),
        of(
            "hyperparameters: Enum, Path, module, partial, callable",
            "state.Hyperparameters",
            init_args={"criterion": {"class_path": "torch.nn.MSELoss"}},
        ),
        of("on_save_checkpoint with objects of 20 kinds", "state.Saved"),
    ]


KINDS: list[Kind] = [*_modules()]
