"""Writing `last.ckpt` and `best.ckpt`, and the random state that makes a resumed trial exact.

Checkpoints are Lightning's own and load with `weights_only=True`.
"""

from __future__ import annotations

import os
import pickle
import random
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from search.study.layout import TrialFolder
from search.study.writing import discard, files_of, put_in_place, recover
from search.trial import sharded

# the key of the keeper's state in a checkpoint: Lightning's, the name of its class
KEEPER = "CheckpointKeeper"
# what reading a damaged archive raises, depending on the byte that changed
_DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def save_checkpoint(trainer: Any, path: Path, kept: Mapping[str, Any] | None = None) -> None:
    """Write a checkpoint so that `path` is either the old one or the whole new one.

    Every rank must call it: sharded strategies gather their weights here.

    Args:
        kept: what must be known of a checkpoint that is a folder without loading it, as JSON.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    if trainer.is_global_zero:
        # shards of an attempt that was cut off would be taken for those of this one
        discard(temporary)
    trainer.strategy.barrier()
    try:
        trainer.save_checkpoint(temporary)
        if trainer.is_global_zero:
            if temporary.is_dir():
                sharded.write_manifest(temporary, kept or {})
            for file in files_of(temporary):
                _sync(file)
            put_in_place(temporary, path)
    except OSError:
        # half a checkpoint on a full disk is in the way of everything else
        discard(temporary)
        raise


def is_intact(path: Path) -> bool:
    """Whether a checkpoint is there and every record in it matches its checksum.

    torch writes a zip archive with a CRC-32 of each record, which it does not check itself when it
    loads (2.13).
    """
    if path.is_dir():
        return sharded.is_intact(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:
                return False
        # torch is stricter about the archive itself; mapped, the weights are not read again
        torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except pickle.UnpicklingError:
        # whole, but holds what may not be loaded, which the trial's own loading puts in words
        return True
    except _DAMAGE:
        return False
    return True


def resume_point(folder: TrialFolder) -> Path | None:
    """The checkpoint that a trial goes on from; None to begin anew.

    A damaged one falls back to the one before. Where the best one is gone, its value is nobody's
    any more, and training begins anew; unless the checkpoint is itself the best, which becomes
    `best.ckpt` again.

    Raises:
        UserError: the checkpoint is a folder that could run code when it is loaded.
    """
    for path in folder.checkpoints:
        recover(path)
    usable = [path for path in (folder.last_ckpt, folder.previous_ckpt) if is_intact(path)]
    if not usable:
        return None
    sharded.refuse_code(usable[0])
    kept = kept_state(usable[0])
    if kept.get("is_best"):
        return usable[0]
    if folder.best_ckpt.exists():
        return usable[0] if is_intact(folder.best_ckpt) else None
    return usable[0] if kept.get("best") is None else None


def kept_state(path: Path) -> dict[str, Any]:
    """What the keeper of checkpoints wrote into an intact one; empty where there is none."""
    if path.is_dir():
        return sharded.kept_state(path)
    try:
        checkpoint = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except pickle.UnpicklingError:
        return {}
    state: dict[str, Any] = checkpoint.get("callbacks", {}).get(KEEPER, {})
    return state


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint on the CPU, that of a sharded strategy put together.

    Raises:
        UserError: it is a folder that cannot be read here.
    """
    if path.is_dir():
        return sharded.consolidated(path)
    checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return checkpoint


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
