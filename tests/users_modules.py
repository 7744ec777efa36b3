"""Modules of a user's own in the process of a test, as an attempt has them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def importable(folder: Path, *modules: str) -> Iterator[pytest.MonkeyPatch]:
    """Import from a folder before all others; its modules are gone before and after.

    Yields what else may be patched for as long.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        for name in modules:
            patch.delitem(sys.modules, name, raising=False)
        yield patch
    for name in modules:
        sys.modules.pop(name, None)
