"""Hyperparameter search for PyTorch Lightning."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from search.api.result import Result as Result
    from search.api.sections import Sections as Sections
    from search.api.study import Study as Study
    from search.errors import Interrupted as Interrupted
    from search.errors import SearchError as SearchError
    from search.errors import StudyFailed as StudyFailed
    from search.errors import UserError as UserError
    from search.space.annotations import Choice as Choice
    from search.space.annotations import Float as Float
    from search.space.annotations import Int as Int
    from search.space.annotations import Log as Log
    from search.store.records import AttemptRecord as AttemptRecord
    from search.store.records import StudyRecord as StudyRecord
    from search.store.records import TrialRecord as TrialRecord

    __version__: str

# what type checkers read above, for Python, which loads a file when its name is used
_FILES = {
    "AttemptRecord": "store.records",
    "Choice": "space.annotations",
    "Float": "space.annotations",
    "Int": "space.annotations",
    "Interrupted": "errors",
    "Log": "space.annotations",
    "Result": "api.result",
    "SearchError": "errors",
    "Sections": "api.sections",
    "Study": "api.study",
    "StudyFailed": "errors",
    "StudyRecord": "store.records",
    "TrialRecord": "store.records",
    "UserError": "errors",
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("lightning-search")
    if name in _FILES:
        return getattr(importlib.import_module(f"search.{_FILES[name]}"), name)
    raise AttributeError(f"module {__name__} has no attribute {name}")


def __dir__() -> list[str]:
    return [*_FILES, "__version__"]
