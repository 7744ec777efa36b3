"""The GPUs of a trial: their number, those that may be used, and its share of their memory."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from lightning.pytorch import Trainer

from search.plain.visible_gpus import visible_gpus

# part of a share that CUDA itself, which is in no process's count, and gaps between tensors take
_MARGIN = 0.1


@dataclass(frozen=True)
class GpuUse:
    """The GPUs that a trial takes."""

    count: int = 0
    """Their number; 0 for none."""
    are_named: bool = False
    """True where the configuration of the trial names which."""
    takes_all: bool = False
    """True where it takes all that it sees."""


def gpu_use(trainers: Iterable[tuple[Any, Mapping[str, Any]]], usable: int) -> GpuUse:
    """The most that any trial takes.

    Args:
        trainers: Trainers that trials could have, each with its arguments.
        usable: how many there are.
    """
    uses = [_use(trainer, arguments, usable) for trainer, arguments in trainers]
    return max(uses, key=lambda use: (use.are_named, use.count), default=GpuUse())


def processes_of(trainers: Iterable[Trainer], use: GpuUse) -> int:
    """The most processes that train one trial: one a device.

    Args:
        use: of these Trainers.
    """
    trainers = list(trainers)
    others = (each for each in trainers if each.strategy.root_device.type != "cuda")
    nodes = max((int(each.num_nodes) for each in trainers), default=1)
    return nodes * max(1, use.count, *(int(each.num_devices) for each in others))


def usable_gpus() -> tuple[str, ...]:
    """The GPUs that trials may use, as CUDA_VISIBLE_DEVICES names them, the one with most free
    memory first; parts of a GPU in their order, of which a process can see one only."""
    entries = visible_gpus(os.environ)
    if entries and entries[0].startswith("MIG-"):
        return entries if torch.cuda.is_available() else ()
    free: dict[int, int] = {}
    for device in range(torch.cuda.device_count()):
        with contextlib.suppress(RuntimeError):
            free[device] = torch.cuda.mem_get_info(device)[0]
    order = sorted(free, key=lambda device: (-free[device], device))
    if entries is None:
        return tuple(str(device) for device in order)
    return tuple(entries[device] for device in order if device < len(entries))


def free_gpu_bytes(gpus: Sequence[str]) -> tuple[int, ...]:
    """Free memory of `usable_gpus`, in their order; empty for parts of a GPU."""
    entries = visible_gpus(os.environ)
    if any(gpu.startswith("MIG-") for gpu in gpus):
        return ()
    devices = [int(gpu) if entries is None else entries.index(gpu) for gpu in gpus]
    return tuple(torch.cuda.mem_get_info(device)[0] for device in devices)


def limit_gpu_memory(trainer: Trainer, share: float) -> None:
    """Keep a trial that trains on GPUs within its share of their memory."""
    if share >= 1.0 or trainer.strategy.root_device.type != "cuda":
        return
    for device in range(torch.cuda.device_count()):
        torch.cuda.set_per_process_memory_fraction(share * (1.0 - _MARGIN), device)


def _use(trainer: Trainer, arguments: Mapping[str, object], usable: int) -> GpuUse:
    if trainer.strategy.root_device.type != "cuda":
        return GpuUse()
    devices = arguments.get("devices")
    if devices in (None, "auto"):
        # all that there are would be one trial at a time
        return GpuUse(1, takes_all=True)
    if devices in (-1, "-1"):
        return GpuUse(max(1, usable), takes_all=True)
    are_named = isinstance(devices, list | tuple) or "," in str(devices)
    return GpuUse(int(trainer.num_devices), are_named)
