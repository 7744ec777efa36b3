"""Random generators that a model, its data or a loader keeps for itself."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

Generator = torch.Generator | np.random.Generator | np.random.RandomState | random.Random
# the same for `isinstance`, which takes four times as long for a union; asked of every attribute
_KINDS = (torch.Generator, np.random.Generator, np.random.RandomState, random.Random)


def generator_states(holders: Mapping[str, object]) -> dict[str, object]:
    """The state of each generator that is an attribute of one of `holders`, by name."""
    return {name: _state(generator) for name, generator in _generators(holders)}


def restore_generators(holders: Mapping[str, object], states: Mapping[str, object]) -> None:
    """Set what `generator_states` returned, where the same generators are there again."""
    for name, generator in _generators(holders):
        if name in states:
            _restore(generator, states[name])


def _generators(holders: Mapping[str, object]) -> Iterator[tuple[str, Generator]]:
    for place, holder in holders.items():
        # objects with slots, and compiled ones, have none
        for name, value in getattr(holder, "__dict__", {}).items():
            if isinstance(value, _KINDS):
                yield f"{place}.{name}", value


def _state(generator: Generator) -> object:
    match generator:
        case torch.Generator():
            return generator.get_state()
        case np.random.Generator():
            return generator.bit_generator.state
        case np.random.RandomState():
            return generator.get_state(legacy=False)
        case random.Random():
            return generator.getstate()


def _restore(generator: Generator, state: Any) -> None:
    match generator:
        case torch.Generator():
            generator.set_state(state.cpu())
        case np.random.Generator():
            generator.bit_generator.state = state
        case np.random.RandomState():
            generator.set_state(state)
        case random.Random():
            generator.setstate(state)
