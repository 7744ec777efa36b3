"""Names that the Trainer's options take, of which Lightning alone has the list."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from search.errors import UserError
from search.plain.wording import did_you_mean
from search.plain.yaml import shown


def refuse_unknown_names(arguments: Mapping[str, object], namespace: str) -> None:
    """Look at the options that are names before a Trainer is made of them.

    Args:
        namespace: the Lightning package of the Trainer.

    Raises:
        UserError: one of them is no name that Lightning knows.
    """
    for option, known in _known_names(namespace).items():
        given = arguments.get(option)
        if isinstance(given, str) and given.lower() not in known:
            remedy = did_you_mean(given, known)
            raise UserError(f"trainer.{option}: there is no {shown(given)}. {remedy}")


def _known_names(namespace: str) -> dict[str, tuple[str, ...]]:
    strategies = importlib.import_module(f"{namespace}.strategies").StrategyRegistry
    accelerators = importlib.import_module(f"{namespace}.accelerators").AcceleratorRegistry
    return {
        "accelerator": ("auto", "gpu", *sorted(accelerators.available_accelerators())),
        "strategy": ("auto", *strategies.available_strategies()),
        "profiler": ("simple", "advanced", "pytorch", "xla"),
        "gradient_clip_algorithm": ("norm", "value"),
    }
