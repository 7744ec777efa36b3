"""The moment between two epochs, from which a trial goes on as if nothing had happened.

A trial that goes on runs `setup`, `on_fit_start` and `on_train_start` once more; what they draw
and do is undone here, and the next epoch finds everything as the last one left it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.utils.data import DataLoader
from torchmetrics import Metric

from search.trial.building.trainer import callbacks_on
from search.trial.checkpoints.generators import generator_states, restore_generators
from search.trial.checkpoints.random_state import random_state, restore_random_state

# of Lightning's own callbacks
_CHANGE_WEIGHTS = {"StochasticWeightAveraging", "ModelPruning", "WeightAveraging"}
_NOT_THE_USERS = ("lightning", "pytorch_lightning", "optuna_integration", "search")


class FirstCallback(Callback):
    """Calls `between` before anybody begins an epoch, and `at_end` before anybody ends the fit:
    when an epoch is over for everyone. Lightning steps plateau schedulers after every callback's
    `on_train_epoch_end`.

    Must be the first of the Trainer's callbacks.
    """

    def __init__(
        self, between: Callable[[Trainer], None], at_end: Callable[[Trainer], None]
    ) -> None:
        self._between = between
        self._at_end = at_end

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._between(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._at_end(trainer)


@dataclass(frozen=True)
class EpochEnd:
    """State right after the module's own `on_train_epoch_end`, the last who may draw."""

    # counters of Lightning's loop, by which it knows a checkpoint of an epoch's end
    progress: dict[str, object]
    # the state of random numbers, global and of generators of the user's
    drawn: dict[str, Any]


def epoch_end(trainer: Trainer) -> EpochEnd:
    """Note the present moment."""
    return EpochEnd(
        progress=trainer.fit_loop.epoch_progress.state_dict(),
        drawn={"random": random_state(), "generators": generator_states(holders(trainer))},
    )


@contextmanager
def counted_as(trainer: Trainer, end: EpochEnd) -> Iterator[None]:
    """Let the Trainer's counters be those of the end of the epoch while it saves."""
    progress = trainer.fit_loop.epoch_progress
    now = progress.state_dict()
    progress.load_state_dict(end.progress)
    try:
        yield
    finally:
        progress.load_state_dict(now)


@contextmanager
def nothing_drawn() -> Iterator[None]:
    """Let the random state come through a save, whose hooks may draw: how long epochs take decides
    how many there are, and must not decide what a trial comes to."""
    state = random_state()
    yield
    restore_random_state(state)


def run_after(module: LightningModule, hook: str, step: Callable[[], None]) -> None:
    """Run `step` after a hook of the module, which Lightning calls after those of callbacks."""
    own = getattr(module, hook)

    def both(*args: object, **kwargs: object) -> object:
        result = own(*args, **kwargs)
        step()
        return result

    setattr(module, hook, both)


def run_before(module: LightningModule, hook: str, step: Callable[[], None]) -> None:
    """Run `step` before a hook of the module."""
    own = getattr(module, hook)

    def both(*args: object, **kwargs: object) -> object:
        step()
        return own(*args, **kwargs)

    setattr(module, hook, both)


def trainer_state(trainer: Trainer) -> dict[str, object]:
    """State that the next epoch may depend on, beside weights, optimizers and callbacks."""
    metrics = trainer.callback_metrics.items()
    return {
        "callback_metrics": {name: torch.as_tensor(value).cpu() for name, value in metrics},
        "should_stop": trainer.should_stop,
        "has_validated": trainer.val_dataloaders is not None,
        "torchmetrics": {
            name: {"count": metric.update_count, "state": dict(metric.metric_state)}
            for name, metric in _updated_metrics(trainer.lightning_module)
        },
    }


def go_on(trainer: Trainer, state: Mapping[str, Any]) -> None:
    """Undo what was done since the fit began, so that the next epoch begins as it would have.

    Args:
        state: `trainer_state` and what was `drawn`; earlier releases saved the global random state
            alone.
    """
    if not state.get("in_the_middle"):
        _begin_next_epoch(trainer.fit_loop)
    trainer.should_stop = state.get("should_stop", False)
    trainer.callback_metrics.update(state.get("callback_metrics", {}))
    _restore_metrics(trainer.lightning_module, state.get("torchmetrics", {}))
    if state.get("has_validated"):
        _begin_validation_loaders(trainer)
    restore_generators(holders(trainer), state.get("generators", {}))
    restore_random_state(state["random"])


def weights_may_change(trainer: Trainer) -> bool:
    """Look for hooks that may change the weights between a validation and the end of its epoch."""
    module, callbacks = trainer.lightning_module, callbacks_on(trainer)
    if _is_users(module, "on_validation_end") or _is_users(module, "on_train_epoch_end"):
        return True
    names = {cls.__name__ for each in callbacks for cls in type(each).__mro__}
    return any(_is_users(each, "on_train_epoch_end") for each in callbacks) or bool(
        names & _CHANGE_WEIGHTS
    )


def _is_users(owner: object, hook: str) -> bool:
    """Recognize a hook that is neither Lightning's nor ours."""
    definer = next(cls for cls in type(owner).__mro__ if hook in vars(cls))
    return definer.__module__.partition(".")[0] not in _NOT_THE_USERS


def _begin_next_epoch(fit_loop: Any) -> None:
    """Let the loop take the epoch for ended.

    Lightning (2.6) ends it a second time where `max_steps` is set, and draws the order of the next
    one before the hooks that come first in a fit without a break.
    """
    if fit_loop.epoch_progress.current.completed < fit_loop.epoch_progress.current.processed:
        fit_loop.epoch_progress.increment_completed()
    fit_loop.epoch_loop.restarting = False
    fit_loop.on_iteration_done()


def _begin_validation_loaders(trainer: Trainer) -> None:
    """Make what an earlier validation made; workers that persist draw a seed when they begin."""
    if trainer.val_dataloaders is None:
        trainer.fit_loop.epoch_loop.val_loop.setup_data()
    for loader in loaders_of(trainer.val_dataloaders):
        if isinstance(loader, DataLoader) and loader.persistent_workers:
            iter(loader)


def holders(trainer: Trainer) -> dict[str, Any]:
    """The objects that may have random generators of their own: modules, data, loaders."""
    found = {f"module.{name}": each for name, each in trainer.lightning_module.named_modules()}
    # (Lightning 2.6) the Trainer's class does not declare the attribute
    if (data := trainer.datamodule) is not None:  # type: ignore[attr-defined]
        found["data"] = data
    loaders = {"train": trainer.train_dataloader, "val": trainer.val_dataloaders}
    for kind, tree in loaders.items():
        for number, loader in enumerate(loaders_of(tree)):
            for part in ("sampler", "batch_sampler", "dataset"):
                if getattr(loader, part, None) is not None:
                    found[f"{kind}.{number}.{part}"] = getattr(loader, part)
            found[f"{kind}.{number}"] = loader
    return found


def loaders_of(tree: object) -> list[object]:
    """The loaders of what a module's hook gives: one, or lists and mappings of them."""
    match tree:
        case Mapping():
            return [each for value in tree.values() for each in loaders_of(value)]
        case list() | tuple():
            return [each for value in tree for each in loaders_of(value)]
        case None:
            return []
    return [tree]


def _updated_metrics(module: LightningModule) -> Iterator[tuple[str, Metric]]:
    """Metrics that go on from epoch to epoch, such as the best so far; Lightning resets others."""
    for name, each in module.named_modules():
        if isinstance(each, Metric) and each.update_count:
            yield name, each


def _restore_metrics(module: LightningModule, states: Mapping[str, Any]) -> None:
    modules = dict(module.named_modules())
    for name, saved in states.items():
        metric = modules[name]
        for key, value in saved["state"].items():
            setattr(metric, key, _moved(value, metric.device))
        metric._update_count = saved["count"]  # torchmetrics 1.9: there is no setter


def _moved(value: object, device: torch.device) -> object:
    match value:
        case list():
            return [_moved(each, device) for each in value]
        case torch.Tensor():
            return value.to(device)
    return value
