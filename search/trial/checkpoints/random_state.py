"""The global random state, which makes a resumed trial exact."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch


def random_state() -> dict[str, object]:
    """The global random state of torch, CUDA, NumPy and Python.

    Long rows of numbers are tensors: a checkpoint with two thousand single numbers takes twice
    as long to write.
    """
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    version, internal, gauss = random.getstate()
    # asking for the state would bring CUDA up in a trial that does without it
    uses_cuda = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if uses_cuda else [],
        "numpy": [str(name), _row(keys), position, has_gauss, cached],
        "python": [version, _row(internal), gauss],
    }


def restore_random_state(state: dict[str, Any]) -> None:
    """Set what `random_state` returned."""
    torch.set_rng_state(state["torch"].cpu())
    if state["cuda"] and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([tensor.cpu() for tensor in state["cuda"]])
    name, keys, position, has_gauss, cached = state["numpy"]
    numpy_keys = keys.cpu().numpy().astype(np.uint32)
    np.random.set_state((name, numpy_keys, position, has_gauss, cached))
    version, internal, gauss = state["python"]
    random.setstate((version, tuple(internal.tolist()), gauss))


def _row(numbers: object) -> torch.Tensor:
    return torch.from_numpy(np.array(numbers, dtype=np.int64))
