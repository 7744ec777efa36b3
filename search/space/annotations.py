"""Annotations that give an argument its range.

    def __init__(self, lr: Annotated[float, search.Log(1e-5, 1e-1)] = 1e-3): ...

The same functions make the ranges of a space in Python.
"""

from __future__ import annotations

from search.space.distributions import Distribution, Hinted, Scalar
from search.space.notation import parse_distribution


def Float(low: float, high: float, step: float | None = None) -> Distribution:
    """Floats from `low` to `high`, both included, `step` apart if that is given.

    Raises:
        ValueError: the arguments are no range; the functions below raise it likewise.
    """
    return _distribution("Float", {"float": [low, high], "step": step})


def Log(low: float, high: float) -> Distribution:
    """Floats from `low` to `high`, both included, sampled by their logarithm."""
    return _distribution("Log", {"float": [low, high], "log": True})


def Int(low: int, high: int, log: bool = False, step: int = 1) -> Distribution:
    """Integers from `low` to `high`, both included."""
    return _distribution("Int", {"int": [low, high], "log": log, "step": step})


def Choice(*values: Scalar) -> Distribution:
    """One of `values`, in no order."""
    if len(values) == 1 and isinstance(values[0], list | tuple):
        listed = ", ".join(map(repr, values[0]))
        raise ValueError(f"search.Choice: takes the values themselves. Write Choice({listed}).")
    return _distribution("Choice", {"choice": list(values)})


def _distribution(name: str, tree: dict[str, object]) -> Distribution:
    try:
        distribution = parse_distribution(tree)
    except ValueError as error:
        raise ValueError(f"search.{name}: {error}") from None
    assert not isinstance(distribution, Hinted)
    return distribution
