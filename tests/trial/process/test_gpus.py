"""GPUs that a trial may use. No GPU is here: what torch would say of one is pretended."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from search.plain.visible_gpus import visible_gpus
from search.trial.process.gpus import (
    GpuUse,
    free_gpu_bytes,
    gpu_use,
    limit_gpu_memory,
    processes_of,
    usable_gpus,
)

A, B, C = "GPU-3f2a", "GPU-90c1", "GPU-5d77"


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        (None, None),
        ("", ()),
        ("-1", ()),
        ("NoDevFiles", ()),
        ("3", ("3",)),
        (" 5, 3 ", ("5", "3")),
        ("2,-1,3", ("2",)),
        ("1,1", ()),
        (f"{A},{B}", (A, B)),
        (f"{A},{A}", ()),
        (f"{A},1", (A,)),
        ("MIG-1a,MIG-2b", ("MIG-1a", "MIG-2b")),
    ],
)
def test_visible_devices_are_read_as_cuda_reads_them(
    text: str | None, entries: tuple[str, ...] | None
) -> None:
    environment = {} if text is None else {"CUDA_VISIBLE_DEVICES": text}
    assert visible_gpus(environment) == entries


@dataclass
class Pretended:
    """GPUs with so much free memory each, and the shares of it that were set."""

    free: list[int]
    shares: dict[int, float]


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> Pretended:
    gpus = Pretended([10, 30, 20], {})
    monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(gpus.free))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(gpus.free))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (gpus.free[device], 40))
    monkeypatch.setattr(
        torch.cuda,
        "set_per_process_memory_fraction",
        lambda share, device: gpus.shares.__setitem__(device, share),
    )
    return gpus


@pytest.mark.parametrize(
    ("text", "usable"),
    [
        (None, ("1", "2", "0")),
        ("4,6,7", ("6", "7", "4")),
        (f"{A},{B},{C}", (B, C, A)),
        ("MIG-1a,MIG-2b", ("MIG-1a", "MIG-2b")),
    ],
)
def test_usable_gpus_are_those_that_were_given_the_freest_first(
    pretended: Pretended,
    monkeypatch: pytest.MonkeyPatch,
    text: str | None,
    usable: tuple[str, ...],
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    if text is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", text)
    assert usable_gpus() == usable
    free = () if text and text.startswith("MIG") else (30, 20, 10)
    assert free_gpu_bytes(usable_gpus()) == free


def trainer(device: str, **arguments: Any) -> tuple[Any, dict[str, Any]]:
    strategy = SimpleNamespace(root_device=torch.device(device))
    count = arguments.get("devices")
    devices = len(count) if isinstance(count, list) else count
    return SimpleNamespace(strategy=strategy, num_devices=devices, num_nodes=1), arguments


@pytest.mark.parametrize(
    ("trainers", "use"),
    [
        ([trainer("cpu", devices=2)], GpuUse(0)),
        ([trainer("cuda")], GpuUse(1, takes_all=True)),
        ([trainer("cuda", devices="auto", strategy="ddp")], GpuUse(1, takes_all=True)),
        ([trainer("cuda", devices=2)], GpuUse(2)),
        ([trainer("cuda", devices=-1)], GpuUse(3, takes_all=True)),
        ([trainer("cuda", devices=[2, 0])], GpuUse(2, are_named=True)),
        # searched: accelerator, and devices
        ([trainer("cpu"), trainer("cuda")], GpuUse(1, takes_all=True)),
        ([trainer("cuda", devices=1), trainer("cuda", devices=2)], GpuUse(2)),
    ],
)
def test_gpus_of_a_trial_are_the_most_that_any_takes(trainers: Any, use: GpuUse) -> None:
    assert gpu_use(trainers, 3) == use


@pytest.mark.parametrize(
    ("devices", "count"),
    [
        ([("cpu", 1)], 1),
        ([("cpu", 2)], 2),
        # searched: devices, and accelerator
        ([("cpu", 1), ("cpu", 3)], 3),
        ([("cpu", 1), ("cuda", 2)], 2),
    ],
)
def test_trial_has_a_process_a_device(devices: list[tuple[str, int]], count: int) -> None:
    trainers = [trainer(device, devices=number) for device, number in devices]
    assert processes_of([each for each, _ in trainers], gpu_use(trainers, 3)) == count


def test_share_of_a_gpus_memory_has_a_margin_and_is_set_where_one_is_used(
    pretended: Pretended,
) -> None:
    limit_gpu_memory(trainer("cpu")[0], 0.5)
    limit_gpu_memory(trainer("cuda")[0], 1.0)
    assert pretended.shares == {}
    limit_gpu_memory(trainer("cuda")[0], 0.5)
    assert pretended.shares == {0: 0.45, 1: 0.45, 2: 0.45}
