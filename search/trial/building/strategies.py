"""Strategies that a trial cannot use, found out before any: the checks themselves run without."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lightning.pytorch import Trainer

from search.errors import UserError
from search.trial.building.build import Built, make_trainer
from search.trial.process.failures import one_line

# Lightning's launcher of ddp_spawn, ddp_fork, ddp_notebook and xla (2.6)
_IN_PROCESS_LAUNCHER = "_MultiProcessingLauncher"


def trainer_of_trials(built: Built) -> Trainer:
    """The Trainer with the strategy that trials will have.

    Raises:
        UserError: the strategy is at fault.
        Exception: whatever else the Trainer refuses.
    """
    arguments = built.trainer_arguments
    try:
        trainer = make_trainer(built, Path(), [])
    except Exception as error:
        if not _has_strategy(arguments) or not _builds(built, strategy="auto"):
            raise
        raise UserError(
            f"trainer.strategy: {_name(arguments)} cannot be used here: "
            f"{one_line(error).rstrip('.')}. Name another, such as ddp, or leave it out."
        ) from error
    launcher = type(trainer.strategy.launcher)
    if any(each.__name__ == _IN_PROCESS_LAUNCHER for each in launcher.__mro__):
        raise UserError(
            "trainer.strategy: must start every rank as a process of its own, got "
            f"{_name(arguments)}, which cannot take along what reports to the study. "
            "Use ddp, which trains the same."
        )
    return trainer


def _has_strategy(arguments: Mapping[str, object]) -> bool:
    return bool(arguments.get("strategy", "auto") != "auto")


def _builds(built: Built, **overrides: object) -> bool:
    try:
        make_trainer(built, Path(), [], **overrides)
    except Exception:
        return False
    return True


def _name(arguments: Mapping[str, object]) -> str:
    strategy = arguments.get("strategy")
    if strategy is None:
        return "null"
    return strategy if isinstance(strategy, str) else type(strategy).__name__
