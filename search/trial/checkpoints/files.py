"""Writing `last.ckpt` and `best.ckpt`, and finding the one that a trial goes on from.

Checkpoints are Lightning's own and load with `weights_only=True`.
"""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer

from search.layout import TrialFolder
from search.plain.tree import Tree
from search.plain.whole_files import discard, files_of, open_privately, put_in_place, recover
from search.trial.checkpoints import sharded
from search.trial.checkpoints.fence import leave_if_replaced
from search.trial.checkpoints.safe_hooks import unwritable

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


def save_checkpoint(trainer: Trainer, path: Path, kept: Mapping[str, object] | None = None) -> None:
    """Write a checkpoint so that `path` is either the old one or the whole new one.

    Every rank must call it: sharded strategies gather their weights here.

    Args:
        kept: what must be known of a checkpoint that is a folder without loading it, as JSON.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    if trainer.is_global_zero:
        # shards of an attempt that was cut off would be taken for those of this one
        leave_if_replaced(path.parent)
        discard(temporary)
    trainer.strategy.barrier()
    try:
        trainer.save_checkpoint(temporary)
        if trainer.is_global_zero:
            if temporary.is_dir():
                sharded.write_manifest(temporary, kept or {})
            for file in files_of(temporary):
                sync(file)
            leave_if_replaced(path.parent)
            put_in_place(temporary, path)
    except OSError:
        # half a checkpoint on a full disk is in the way of everything else
        discard(temporary)
        raise


def write_checkpoint(content: memoryview, path: Path) -> None:
    """Write a checkpoint that is in memory, as `save_checkpoint` writes one; rank 0 alone."""
    temporary = path.with_name(f".{path.name}.tmp")
    leave_if_replaced(path.parent)
    discard(temporary)
    try:
        with open_privately(temporary, "xb") as file:
            file.write(content)
        sync(temporary)
        leave_if_replaced(path.parent)
        put_in_place(temporary, path)
    except OSError:
        discard(temporary)
        raise


def is_intact(path: Path) -> bool:
    """Check that a checkpoint is there, and every record in it against its checksum.

    torch writes a zip archive with a CRC-32 of each record, which it does not check itself when it
    loads (2.13).
    """
    if path.is_dir():
        return sharded.are_shards_intact(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:
                return False
        # torch is stricter about the archive itself; mapped, the weights are not read again
        torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except pickle.UnpicklingError:
        # whole, but of a release that wrote what may not be loaded
        return True
    except _DAMAGE:
        return False
    return True


def resume_point(folder: TrialFolder) -> Path | None:
    """The checkpoint that a trial goes on from; None to begin anew.

    A damaged one falls back to the one before. Where the best one is gone, its value is nobody's
    any more, and training begins anew; unless the checkpoint is itself the best, which becomes
    `best.ckpt` again. One that could not hold all that it should does not end as it would have.

    Raises:
        UserError: the checkpoint is a folder that could run code when it is loaded.
    """
    for path in folder.checkpoints:
        recover(path)
    # both are large; the one before is read only where it is needed
    usable = next(
        (each for each in (folder.last_ckpt, folder.previous_ckpt) if is_intact(each)), None
    )
    if usable is None:
        return None
    sharded.refuse_code(usable)
    checkpoint = _loaded(usable)
    if checkpoint is None or unwritable(checkpoint):
        return None
    kept = _kept(checkpoint)
    if kept.get("is_best"):
        return usable
    if folder.best_ckpt.exists():
        return usable if is_intact(folder.best_ckpt) else None
    return usable if kept.get("best") is None else None


def kept_state(path: Path) -> Tree:
    """The state of the keeper in an intact checkpoint; empty where there is none."""
    return _kept(_loaded(path) or {})


def _kept(checkpoint: Mapping[str, Any]) -> Tree:
    state: Tree = checkpoint.get("callbacks", {}).get(KEEPER, {})
    return state


def read_checkpoint(path: Path) -> Tree:
    """A checkpoint on the CPU, that of a sharded strategy put together.

    Raises:
        UserError: it is a folder that cannot be read here.
    """
    if path.is_dir():
        return sharded.consolidated(path)
    checkpoint: Tree = torch.load(path, map_location="cpu", weights_only=True)
    return checkpoint


def _loaded(path: Path) -> Tree | None:
    """The content of an intact checkpoint, of a folder the keeper's state alone; None where it may
    not be loaded."""
    if path.is_dir():
        return {"callbacks": {KEEPER: sharded.kept_in_shards(path)}}
    try:
        loaded: dict[str, object] = torch.load(
            path, map_location="cpu", mmap=True, weights_only=True
        )
    except pickle.UnpicklingError:
        return None
    return loaded


def sync(path: Path) -> None:
    """Wait until a file is on the disk, whoever wrote it."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
