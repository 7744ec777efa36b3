"""Another function in the place of one of a library's, for a while."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def replaced(owner: Any, name: str, ours: object) -> Iterator[None]:
    """Another function in the place of one of a class or a module, for as long as the block."""
    original = getattr(owner, name)
    setattr(owner, name, ours)
    try:
        yield
    finally:
        setattr(owner, name, original)
