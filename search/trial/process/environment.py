"""Variables of the environment for the length of a block."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping


@contextlib.contextmanager
def environment_with(given: Mapping[str, str], restored: tuple[str, ...] = ()) -> Iterator[None]:
    """Set variables, and let them be as they were once the block is over.

    Args:
        restored: further variables that the block may change.
    """
    before = {name: os.environ.get(name) for name in (*given, *restored)}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
