"""Hyperparameter search for PyTorch Lightning."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.api import Result, Study
    from search.errors import Interrupted, SearchError, StudyFailed, UserError
    from search.space.annotations import Choice, Float, Int, Log

_ROOMS = {
    "Choice": "space.annotations",
    "Float": "space.annotations",
    "Int": "space.annotations",
    "Interrupted": "errors",
    "Log": "space.annotations",
    "Result": "api",
    "SearchError": "errors",
    "Study": "api",
    "StudyFailed": "errors",
    "UserError": "errors",
}
__all__ = [
    "Choice",
    "Float",
    "Int",
    "Interrupted",
    "Log",
    "Result",
    "SearchError",
    "Study",
    "StudyFailed",
    "UserError",
]


def __getattr__(name: str) -> Any:
    # read when they are used, so that the command line does not load them
    if name in _ROOMS:
        return getattr(importlib.import_module(f"search.{_ROOMS[name]}"), name)
    raise AttributeError(f"module {__name__} has no attribute {name}")


def __dir__() -> list[str]:
    return __all__
