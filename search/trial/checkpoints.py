"""Writing `last.ckpt` and `best.ckpt`, and the random state that makes a resumed trial exact.

Checkpoints are Lightning's own and load with `weights_only=True`.
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch


def save_checkpoint(trainer: Any, path: Path) -> None:
    """Write a checkpoint so that `path` is either the old one or the whole new one.

    Every rank must call it: sharded strategies gather their weights here.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    trainer.save_checkpoint(temporary)
    if trainer.is_global_zero:
        if temporary.is_file():
            _sync(temporary)
        temporary.replace(path)


def keep_copy(source: Path, target: Path) -> None:
    """Make `target` the same checkpoint as `source`, without writing it twice where possible."""
    temporary = target.with_name(f".{target.name}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except OSError:
        shutil.copyfile(source, temporary)
    temporary.replace(target)


def random_state() -> dict[str, Any]:
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


def _row(numbers: Any) -> torch.Tensor:
    return torch.from_numpy(np.array(numbers, dtype=np.int64))


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
