"""The callbacks that installed packages add to every Trainer of Lightning."""

from __future__ import annotations

import importlib
from functools import cache
from importlib.metadata import entry_points
from typing import Any

_REGISTRIES = ("lightning.fabric.utilities.registry", "lightning_fabric.utilities.registry")
_GROUPS = ("lightning.pytorch.callbacks_factory", "pytorch_lightning.callbacks_factory")


def remember_external_callbacks() -> None:
    """Look them up once, for this process and its forks.

    Lightning 2.6 reads the metadata of every installed package for each Trainer, which takes 30 ms.
    """
    remembered = cache(entry_points)
    for group in _GROUPS:
        remembered(group=group)
    for name in _REGISTRIES:
        registry: Any = importlib.import_module(name)
        registry.entry_points = remembered
