"""Reasons why a fit that ended has no value: no validation ran in it."""

from __future__ import annotations

from lightning.pytorch import Trainer

_NOTHING = ("max_epochs", "max_steps", "limit_train_batches", "limit_val_batches")


def no_value(trainer: Trainer, metric: str) -> str:
    """One line: what kept the validations of a fit that ended from running.

    Args:
        metric: the objective's.
    """
    return f"objective.metric: {metric} has no value, because no validation ran: {_why(trainer)}"


def _why(trainer: Trainer) -> str:
    for name in _NOTHING:
        if getattr(trainer, name) == 0:
            return f"trainer.{name} is 0. Raise it."
    if not trainer.enable_validation:
        logged = ", ".join(sorted(trainer.callback_metrics)) or "nothing"
        return f"there is none, and training logs {logged}. Log it there, or validate."
    epochs, every = trainer.current_epoch, trainer.check_val_every_n_epoch
    if every is not None and every > 1 and epochs < every:
        return (
            f"the fit ended after {epochs} epochs, and trainer.check_val_every_n_epoch is {every}. "
            "Lower it, or train for longer."
        )
    return (
        f"the fit ended after {trainer.global_step} steps. Look at max_steps, max_time, "
        "val_check_interval, and the callbacks that stop it."
    )
