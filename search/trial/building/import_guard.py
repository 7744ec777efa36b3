"""Imports without training: a script that trains while it is imported is told, and trains nothing.

A tutorial's script often ends in `trainer.fit(...)` without a guard. Every process that needs its
classes imports it, so each would train, in the fork server and again in every rank.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

NAMESPACES = ("pytorch_lightning", "lightning.pytorch")
_LOOPS = ("fit", "validate", "test", "predict")


class TrainsOnImport(BaseException):
    """A module begins to train while it is imported; passes through whatever its code catches."""


@contextmanager
def without_training() -> Iterator[None]:
    """Import user code in this block: where it would begin a loop of a Trainer, or make a
    LightningCLI, which does, TrainsOnImport is raised."""
    is_importing = [True]
    replaced = []
    for package in NAMESPACES:
        trainer = importlib.import_module(package).Trainer
        cli = importlib.import_module(f"{package}.cli").LightningCLI
        methods = [(trainer, name, f"calls Trainer.{name}") for name in _LOOPS]
        for cls, name, what in (*methods, (cli, "__init__", "runs its LightningCLI")):
            original = getattr(cls, name)
            ours = _guarded(original, what, is_importing)
            setattr(cls, name, ours)
            replaced.append((cls, name, original, ours))
    command = sys.argv[1:]
    # a script would take them for its own
    del sys.argv[1:]
    try:
        yield
    finally:
        sys.argv[1:] = command
        is_importing.clear()
        for cls, name, original, ours in replaced:
            # what was imported may have put a wrapper of its own around ours, as MLflow does
            if getattr(cls, name) is ours:
                setattr(cls, name, original)


def _guarded(
    original: Callable[..., object], what: str, is_importing: list[bool]
) -> Callable[..., Any]:
    @functools.wraps(original)
    def guarded(*args: object, **kwargs: object) -> object:
        if is_importing:
            raise TrainsOnImport(what)
        return original(*args, **kwargs)

    return guarded
