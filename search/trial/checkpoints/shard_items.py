"""Items of a checkpoint in shards that are no tensors: torch (2.14) unpickles them without a check.

Imported where there are shards alone: torch.distributed.checkpoint takes most of a second.
"""

from __future__ import annotations

import io
from pathlib import Path

import torch
from torch.distributed.checkpoint.default_planner import DefaultLoadPlanner
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.metadata import BytesStorageMetadata, Metadata, MetadataIndex
from torch.distributed.checkpoint.planner import LoadItemType, LoadPlan, ReadItem


def load_safely(folder: Path, metadata: Metadata) -> None:
    """Load each item that is no tensor with `weights_only=True`.

    Args:
        metadata: the index of the shards in `folder`.

    Raises:
        pickle.UnpicklingError: one would run code.
        Whatever else reading it raises; then it is damaged.
    """
    parts = metadata.state_dict_metadata.items()
    names = [name for name, part in parts if isinstance(part, BytesStorageMetadata)]
    reader = FileSystemReader(folder)
    reader.set_up_storage_reader(metadata, is_coordinator=True)
    reader.read_data(LoadPlan([_item(name) for name in names]), _SafePlanner()).wait()


def _item(name: str) -> ReadItem:
    place, nowhere = MetadataIndex(name), torch.Size((0,))
    return ReadItem(
        type=LoadItemType.BYTE_IO,
        dest_index=place,
        dest_offsets=nowhere,
        storage_index=place,
        storage_offsets=nowhere,
        lengths=nowhere,
    )


class _SafePlanner(DefaultLoadPlanner):
    def load_bytes(self, read_item: ReadItem, value: io.BytesIO) -> None:
        torch.load(value, map_location="cpu", weights_only=True)
