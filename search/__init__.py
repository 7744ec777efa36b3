"""Hyperparameter search for PyTorch Lightning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from search.study.hints import Choice, Float, Int, Log

__all__ = ["Choice", "Float", "Int", "Log"]


def __getattr__(name: str) -> Any:
    # read when they are used, so that the command line does not load them
    if name in __all__:
        from search.study import hints

        return getattr(hints, name)
    raise AttributeError(f"module {__name__} has no attribute {name}")
