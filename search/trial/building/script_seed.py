"""Lightning's `seed_everything`, as a script calls it."""

from __future__ import annotations

import contextlib
import functools
import importlib
import sys
from collections.abc import Callable, Iterator

_PACKAGES = ("lightning", "lightning_fabric", "pytorch_lightning")
_HOMES = ("lightning.fabric.utilities.seed", "lightning_fabric.utilities.seed")


@contextlib.contextmanager
def seeds_chosen(choose: Callable[[int | None], int | None]) -> Iterator[None]:
    """Let a function choose the seed of each call of `seed_everything`, in both packages.

    Args:
        choose: is given the seed of the call, and returns the one that counts.
    """
    with contextlib.ExitStack() as stack:
        for home in _HOMES:
            original = importlib.import_module(home).seed_everything
            stack.enter_context(_everywhere(original, _choosing(original, choose)))
        yield


def _choosing(
    original: Callable[..., int], choose: Callable[[int | None], int | None]
) -> Callable[..., int]:
    @functools.wraps(original)
    def seed_everything(seed: int | None = None, *args: bool, **kwargs: bool) -> int:
        return original(choose(seed), *args, **kwargs)

    return seed_everything


@contextlib.contextmanager
def _everywhere(original: object, ours: object) -> Iterator[None]:
    """Ours under each name that the packages have for a function."""
    name = "seed_everything"
    homes = [
        module
        for key, module in list(sys.modules.items())
        if key.partition(".")[0] in _PACKAGES and vars(module).get(name) is original
    ]
    for module in homes:
        setattr(module, name, ours)
    try:
        yield
    finally:
        for module in homes:
            setattr(module, name, original)
