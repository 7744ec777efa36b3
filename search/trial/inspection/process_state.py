"""The part of a process that decides on training, and that neither model nor Trainer holds."""

from __future__ import annotations

import os
import random

import numpy as np
import torch


def process_state() -> tuple[object, ...]:
    """Generators, switches of torch and the environment, to be compared."""
    cudnn = torch.backends.cudnn
    return (
        generators(),
        torch.get_default_dtype(),
        torch.get_float32_matmul_precision(),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        (cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32),
        dict(os.environ),
    )


def generators() -> tuple[object, ...]:
    """The state of each global generator."""
    _, keys, position, *rest = np.random.get_state(legacy=True)
    numpy = np.asarray(keys).tolist(), position, rest
    return torch.get_rng_state().tolist(), numpy, random.getstate()
