"""Checkpoints that are folders, as sharded strategies write them: each rank its own files.

A manifest among them has a checksum of each, and what the keeper of checkpoints knew; the rest is
the strategy's own, and loads on as many ranks as wrote it or, torch's kind, in one process.
"""

from __future__ import annotations

import json
import pickle
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# what `python -m lightning.pytorch.utilities.consolidate_checkpoint` calls (2.6); it has no other
from lightning.fabric.utilities.load import _load_distributed_checkpoint

from search.errors import UserError
from search.plain.whole_files import files_of, write_whole

_MANIFEST = "search.json"
# torch.distributed.checkpoint's index of what lies where, a pickle
_INDEX = ".metadata"
_CHUNK_BYTES = 1 << 20
# what that index is made of (torch 2.14); none of it does anything when it is loaded
_INDEX_PARTS = {
    "torch.distributed.checkpoint.metadata": {
        "BytesStorageMetadata",
        "ChunkStorageMetadata",
        "Metadata",
        "MetadataIndex",
        "StorageMeta",
        "TensorProperties",
        "TensorStorageMetadata",
        "_MEM_FORMAT_ENCODING",
    },
    "torch.distributed.checkpoint.filesystem": {"_StorageInfo"},
    "torch.serialization": {"_get_layout"},
    "pathlib": {"Path", "PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath"},
    "collections": {"OrderedDict"},
}


def write_manifest(folder: Path, kept: Mapping[str, object]) -> None:
    """Note the checksum of every file, and what the keeper knows, as JSON."""
    (folder / _MANIFEST).unlink(missing_ok=True)
    checksums = {_name(folder, path): _checksum(path) for path in files_of(folder)}
    write_whole(folder / _MANIFEST, json.dumps({"kept": kept, "files": checksums}))


def are_shards_intact(folder: Path) -> bool:
    """Check every file that the manifest names against its checksum."""
    checksums = _manifest(folder).get("files", {})
    try:
        return bool(checksums) and all(
            _checksum(folder / name) == checksum for name, checksum in checksums.items()
        )
    except OSError:
        return False


def kept_in_shards(folder: Path) -> dict[str, object]:
    """The state of the keeper when the folder was written."""
    kept: dict[str, Any] = _manifest(folder).get("kept", {})
    return kept


def consolidated(folder: Path) -> dict[str, object]:
    """The checkpoint as one process would have written it, but for the optimizers' states.

    Raises:
        UserError: torch alone cannot read it, or it holds more than a checkpoint does.
    """
    if not (folder / _INDEX).is_file():
        raise UserError(
            f"{folder}: is a folder of shards that its strategy alone can read. "
            "Convert it with the strategy's own tool."
        )
    refuse_code(folder)
    checkpoint = _load_distributed_checkpoint(folder)
    if "model" in checkpoint:
        # as FSDP calls the weights
        checkpoint["state_dict"] = checkpoint.pop("model")
    return checkpoint


def refuse_code(folder: Path) -> None:
    """Make sure that nothing of a checkpoint that torch unpickles when it loads it (2.14), its
    index and what is no tensor, runs anything.

    Raises:
        UserError: it could.
    """
    index = folder / _INDEX
    if not index.is_file():
        return
    try:
        with index.open("rb") as file:
            metadata = _IndexUnpickler(file).load()
    except Exception as error:
        raise UserError(
            f"{index}: is no index of a checkpoint: {error}. Restore the folder, or remove it."
        ) from error
    from search.trial.checkpoints.shard_items import load_safely

    try:
        load_safely(folder, metadata)
    except Exception as error:
        raise UserError(
            f"{folder}: holds what does not load with weights_only=True: {type(error).__name__}. "
            "Restore the folder, or remove it."
        ) from error


class _IndexUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        is_plain = module == "torch" and name.islower() and not name.startswith("_")
        if name in _INDEX_PARTS.get(module, ()) or (module, name) == ("torch", "Size"):
            return super().find_class(module, name)
        found = super().find_class(module, name) if is_plain else None
        if type(found).__name__ in ("dtype", "layout", "memory_format"):
            return found
        raise pickle.UnpicklingError(f"it holds {module}.{name}")


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / _MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def _checksum(path: Path) -> int:
    total = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            total = zlib.crc32(chunk, total)
    return total
