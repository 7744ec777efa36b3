"""The project's own say in how many micro-batches make up a step of the optimizer."""

from __future__ import annotations

from lightning.pytorch import Trainer

from search.trial.building.build import Built
from search.trial.building.importing import is_lightnings
from search.trial.building.trainer import callbacks_on


def fixed_accumulation(built: Built, trainer: Trainer) -> str | None:
    """Why another accumulation cannot be asked for; None where it can."""
    if not built.model.automatic_optimization:
        return "the model optimizes manually, where Lightning does not accumulate"
    callbacks = callbacks_on(trainer)
    if any(is_lightnings(each, "GradientAccumulationScheduler") for each in callbacks):
        return "a callback schedules the accumulation"
    return None
