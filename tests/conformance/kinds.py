"""The kinds of modules, data, callbacks, loggers and strategies that are promised to work.

A row here is a row of `docs/conformance.md`, which `python -m conformance.table` (in tests) writes;
`test_conformance.py` and `test_two_ranks.py` earn its cells. The classes are in
`tests/projects/kinds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

EXACT = "exact"
SAME = "same value"
DATA = {"class_path": "kinds.randomness.Points"}
SHARDS = "lightning.pytorch.strategies.ModelParallelStrategy"
SINGLE = "lightning.pytorch.strategies.SingleDeviceStrategy"
RESUMED_OTHERWISE = "a trial that is cut off goes on, but may end with another value: "
WORKERS = (
    "workers that stay (persistent_workers) keep random numbers that no checkpoint has. Draw them "
    "in training_step, or set persistent_workers=False."
)
KEPT = (
    "what the model, its data or a callback keeps from epoch to epoch is not in its checkpoint. "
    "Make it a buffer, or save it in on_save_checkpoint or state_dict."
)
RELOADED = (
    "its data is loaded anew when it goes on, not at the epochs that "
    "trainer.reload_dataloaders_every_n_epochs says. Set that to 1."
)


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
        resumed = EXACT if self.resume == EXACT else "told by `search check`"
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


def _data() -> list[Kind]:
    def of(name: str, model: str, **more: Any) -> Kind:
        return Kind("data", name, f"kinds.{model}", **more)

    def reloaded(every: int) -> dict[str, Any]:
        return {"reload_dataloaders_every_n_epochs": every}

    return [
        of("a data module that saves its state", "base.Base", sections={"data": DATA}),
        of("workers that draw random numbers", "randomness.Workers"),
        of("workers that stay", "randomness.PersistentWorkers"),
        of(
            "workers that stay and draw random numbers",
            "randomness.DrawingPersistentWorkers",
            resume=RESUMED_OTHERWISE + WORKERS,
        ),
        of("new data for each epoch", "randomness.Reloaded", trainer=reloaded(1)),
        of(
            "new data for every second epoch",
            "randomness.Reloaded",
            trainer=reloaded(2),
            resume=RESUMED_OTHERWISE + RELOADED,
        ),
        of("two loaders of different lengths", "randomness.TwoLoaders"),
        of("samples without a length", "randomness.Streamed"),
        of(
            "a count that nobody saves",
            "state.Forgetful",
            resume=RESUMED_OTHERWISE + KEPT,
        ),
    ]


def _callbacks() -> list[Kind]:
    def of(name: str, *callbacks: Any, **more: Any) -> Kind:
        trainer = {"max_epochs": 6, "callbacks": list(callbacks), **more.pop("trainer", {})}
        return Kind("callbacks", name, trainer=trainer, **more)

    epoch_end = {"monitor": "val_loss", "patience": 1, "min_delta": 0.3}
    return [
        of("EarlyStopping", lightning("EarlyStopping", **epoch_end)),
        of(
            "EarlyStopping at the epoch's end",
            lightning("EarlyStopping", check_on_train_epoch_end=True, **epoch_end),
        ),
        of("ModelCheckpoint", lightning("ModelCheckpoint", monitor="val_loss", dirpath="kept")),
        of("LearningRateFinder", lightning("LearningRateFinder", num_training_steps=10)),
        of(
            "StochasticWeightAveraging",
            lightning(
                "StochasticWeightAveraging", swa_lrs=0.01, swa_epoch_start=2, annealing_epochs=2
            ),
        ),
        of("EMAWeightAveraging", lightning("EMAWeightAveraging")),
        of(
            "GradientAccumulationScheduler",
            lightning("GradientAccumulationScheduler", scheduling={0: 1, 2: 2}),
        ),
        of(
            "ModelPruning",
            lightning("ModelPruning", pruning_fn="l1_unstructured", amount=0.2),
            resume=RESUMED_OTHERWISE + KEPT,
        ),
        of(
            "one of the user's with a state that weights_only refuses",
            {"class_path": "kinds.state.Stateful"},
        ),
    ]


def _loggers() -> list[Kind]:
    def of(name: str, *loggers: str) -> Kind:
        return Kind("loggers", name, sections={"logger": [{"name": each} for each in loggers]})

    own = {"class_path": "lightning.pytorch.loggers.CSVLogger", "init_args": {"save_dir": "own"}}
    return [
        of("csv", "csv"),
        of("tensorboard", "tensorboard"),
        of("csv and tensorboard", "csv", "tensorboard"),
        Kind("loggers", "one of the user's (trainer.logger)", trainer={"logger": own}),
    ]


def _strategies() -> list[Kind]:
    def of(name: str, **trainer: Any) -> Kind:
        return Kind("strategies", name, trainer=trainer)

    return [
        of("accumulated gradients", accumulate_grad_batches=2),
        of("clipped gradients", gradient_clip_val=0.1),
        of("double precision", precision="64-true"),
        of("bf16-mixed", precision="bf16-mixed"),
        of("one device by name", strategy={"class_path": SINGLE, "init_args": {"device": "cpu"}}),
    ]


def _ranks() -> list[Kind]:
    def of(name: str, model: str, strategy: Any) -> Kind:
        trainer = {"accelerator": "cpu", "devices": 2, "strategy": strategy}
        return Kind("strategies", name, f"kinds.ranks.{model}", trainer=trainer)

    shards = {"data_parallel_size": 2, "tensor_parallel_size": 1}
    return [
        of("ddp, two ranks", "Ranked", "ddp"),
        of("weights in shards, two ranks", "Sharded", {"class_path": SHARDS, "init_args": shards}),
    ]


KINDS: list[Kind] = [*_modules(), *_data(), *_callbacks(), *_loggers(), *_strategies()]
# each of its ranks is a process, so it needs a study that runs
RANKS: list[Kind] = _ranks()
