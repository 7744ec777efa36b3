"""The load of a GPU. None is here: device, memory and the driver's program are pretended."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from search.trial.inspection import gpu_load
from search.trial.inspection.gpu_load import GpuLoad


@pytest.fixture
def gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A device that says what the program `nvidia-smi` in the returned folder says of it."""
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda device: 1 << 30)
    properties = SimpleNamespace(uuid="8f3b")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    monkeypatch.setattr(gpu_load, "_BEFORE_S", 0.05)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def looked(device: str = "cuda", limit_s: float = 10.0) -> tuple[GpuLoad, bool]:
    """The load after a fit, and whether the fit was ended for it."""
    strategy = SimpleNamespace(root_device=torch.device(device))
    trainer: Any = SimpleNamespace(strategy=strategy, should_stop=False)
    load, began = GpuLoad(), time.monotonic()
    while not trainer.should_stop and time.monotonic() - began < limit_s:
        load.on_train_batch_end(trainer)
        time.sleep(0.001)
    return load, trainer.should_stop


@pytest.mark.parametrize(("says", "busy"), [("37", 0.37), ("[N/A]", None), ("", None)])
def test_load_is_memory_with_that_of_cuda_and_what_the_driver_says(
    gpu: Path, says: str, busy: float | None
) -> None:
    program = gpu / "nvidia-smi"
    program.write_text(f'#!/bin/sh\n[ "$1" = --id=GPU-8f3b ] && echo "{says}"\n')
    program.chmod(0o755)
    load, is_ended = looked()
    assert is_ended
    assert load.is_done
    assert (load.memory_bytes, load.busy) == ((1 << 30) + (512 << 20), busy)


def test_load_without_the_drivers_program_is_memory_alone(gpu: Path) -> None:
    load, is_ended = looked()
    assert is_ended
    assert load.memory_bytes > 1 << 30
    assert load.busy is None


def test_fit_on_a_cpu_is_left_alone(gpu: Path) -> None:
    load, is_ended = looked("cpu", limit_s=0.2)
    assert not is_ended
    assert (load.memory_bytes, load.is_done) == (0, False)
