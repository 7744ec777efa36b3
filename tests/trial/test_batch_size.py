"""The search over batch sizes, and the guard around the Tuner."""

from __future__ import annotations

import pytest
from pytorch_lightning.utilities.memory import is_oom_error

from search.trial.batch_size import MemoryGuard, largest_that_fits


class Device:
    """Runs sizes up to a limit and remembers them."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.ran: list[int] = []

    def fits(self, size: int) -> bool:
        self.ran.append(size)
        return size <= self.limit


@pytest.mark.parametrize("cap", [1, 2, 3, 7, 64, 100, 1000])
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 20, 63, 64, 99, 10_000])
@pytest.mark.parametrize("mode", ["binsearch", "power"])
def test_largest_size_was_run_and_fits(mode: str, limit: int, cap: int) -> None:
    device = Device(limit)
    found = largest_that_fits(device.fits, mode, cap)
    assert found in device.ran
    assert max(device.ran) <= cap
    best = min(limit, cap)
    assert found == best if mode == "binsearch" else best / 2 < found <= best
    assert len(device.ran) == len(set(device.ran)) or limit < cap


def test_two_runs_tell_when_everything_fits() -> None:
    device = Device(10_000)
    assert largest_that_fits(device.fits, "binsearch", 4096) == 4096
    assert device.ran == [2, 4096]


def test_nothing_fits() -> None:
    assert largest_that_fits(Device(0).fits, "binsearch", 64) == 0


class Module:
    """The two hooks of a LightningModule that the guard wraps."""

    batch_size = 8

    def on_train_batch_start(self, batch: object, batch_idx: int) -> None: ...

    def on_train_batch_end(self, outputs: object, batch: object, batch_idx: int) -> None: ...


def test_guard_answers_like_a_device_that_is_full() -> None:
    module = Module()
    guard = MemoryGuard(module, memory_bytes=1)
    guard.watch(module)
    with pytest.raises(RuntimeError) as caught:
        module.on_train_batch_start(None, 0)
    assert is_oom_error(caught.value)
    assert not guard.ran


def test_guard_notes_only_sizes_that_ended_a_step() -> None:
    module = Module()
    guard = MemoryGuard(module, memory_bytes=None)
    guard.watch(module)
    module.on_train_batch_start(None, 0)
    assert not guard.ran
    module.on_train_batch_end(None, None, 0)
    assert guard.ran == {8}
