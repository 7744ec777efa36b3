"""The command line without a process of its own, for the hundreds of cases that are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from search.cli import app, guarded

# arguments -> exit code and all output
Run = Callable[..., tuple[int, str]]


def command_line(capfd: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: Any) -> tuple[int, str]:
        code = guarded(lambda: app([*map(str, arguments)], standalone_mode=False))
        return code, "".join(capfd.readouterr())

    return run
