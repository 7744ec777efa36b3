"""A copy of a checkpoint in memory, which becomes a file only where it is written.

Copying is a tenth of what making the file takes, and of most copies no file is made. Knows the
plain data that `plain_state` leaves in a checkpoint.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Mapping
from typing import Any

import torch

Content = Callable[[], memoryview]
# storage, place in it and form of a tensor
_View = tuple[int, int, torch.Size, tuple[int, ...], torch.dtype]


class _Uncommon(Exception):
    """A tensor that is more than its numbers."""


def held(checkpoint: Mapping[str, Any]) -> Content:
    """Copy a checkpoint, on the CPU; returns what makes the file of it."""
    try:
        copied = _Copy().of(checkpoint)
    except _Uncommon:
        content = content_of(checkpoint)
        return lambda: content
    return lambda: content_of(copied)


def content_of(checkpoint: Mapping[str, Any]) -> memoryview:
    """The file of a checkpoint."""
    buffer = io.BytesIO()
    torch.save(checkpoint, buffer)
    return buffer.getbuffer()


class _Copy:
    """Copies plain data; tensors that share their numbers, as tied weights do, share them again."""

    def __init__(self) -> None:
        self._tensors: dict[_View, torch.Tensor] = {}

    def of(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return self._of_tensor(value)
        if isinstance(value, dict):
            # with what else it is: the order of one that keeps it, the versions of a state_dict
            copied = copy.copy(value)
            for key, each in value.items():
                copied[key] = self.of(each)
            return copied
        if type(value) in (list, tuple, set):
            return type(value)(self.of(each) for each in value)
        return copy.copy(value)

    def _of_tensor(self, value: torch.Tensor) -> torch.Tensor:
        is_common = type(value) is torch.Tensor and value.layout == torch.strided
        if not is_common or value.requires_grad or value.is_quantized or value.is_conj():
            raise _Uncommon
        view = (
            value.untyped_storage().data_ptr(),
            int(value.storage_offset()),
            value.shape,
            value.stride(),
            value.dtype,
        )
        if view not in self._tensors:
            is_here = value.device.type == "cpu"
            self._tensors[view] = value.clone() if is_here else value.cpu()
        return self._tensors[view]
