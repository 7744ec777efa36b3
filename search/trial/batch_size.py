"""The batch-size probe.

Lightning's Tuner (2.6) runs one size rightly: a few steps, and everything put back as it was. Its
search is not to be trusted: it returns sizes that it never ran, grows to its limit where nothing
runs out of memory, and never ends when a batch of the whole dataset does not fit. So the Tuner
runs each size, and the search over sizes is here.
"""

from __future__ import annotations

import importlib
import resource
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

from search.errors import UserError
from search.messages import Probed
from search.study.layout import TrialFolder
from search.trial.build import build, make_trainer, seed_everything
from search.trial.trainer import ONE_DEVICE

STEPS = 3
_FIRST_SIZE = 2
_DEFAULT_CAP = 8192
_BUDGET = 0.8


class MemoryGuard:
    """Hooks of the probed module: notes which sizes ran, refuses what is beyond the budget.

    Args:
        owner: what carries the attribute `batch_size`.
        memory_bytes: what the process may take; None leaves it to the device's own error.
    """

    def __init__(self, owner: Any, memory_bytes: int | None) -> None:
        self._owner = owner
        self._memory_bytes = memory_bytes
        self._baseline = peak_memory_bytes()
        self.ran: set[int] = set()

    def watch(self, module: Any) -> None:
        """Put the guard into the module's own hooks; the Tuner removes every callback."""
        before, after = module.on_train_batch_start, module.on_train_batch_end

        def on_train_batch_start(*args: Any, **kwargs: Any) -> Any:
            self._refuse_beyond(self._forecast(self._owner.batch_size))
            return before(*args, **kwargs)

        def on_train_batch_end(*args: Any, **kwargs: Any) -> Any:
            result = after(*args, **kwargs)
            self._refuse_beyond(peak_memory_bytes())
            self.ran.add(self._owner.batch_size)
            return result

        module.on_train_batch_start = on_train_batch_start
        module.on_train_batch_end = on_train_batch_end

    def _forecast(self, size: int) -> float:
        """Peak memory if it grows in proportion to the batch, from the largest size that ran."""
        peak = peak_memory_bytes()
        if not self.ran:
            return peak
        return self._baseline + (peak - self._baseline) * size / max(self.ran)

    def _refuse_beyond(self, memory_bytes: float) -> None:
        if self._memory_bytes is not None and memory_bytes > self._memory_bytes:
            # in the words by which Lightning knows that memory ran out
            raise RuntimeError(
                f"DefaultCPUAllocator: can't allocate memory: {memory_bytes:.0f} bytes are more "
                f"than the budget of {self._memory_bytes}"
            )


def largest_that_fits(fits: Callable[[int], bool], mode: str, cap: int) -> int:
    """The largest size from 1 to `cap` that was run and fits; 0 if none does.

    Args:
        fits: runs a size.
        mode: power doubles only; binsearch then halves the gap to the size that did not fit.
    """
    good, size = 0, min(_FIRST_SIZE, cap)
    top = cap if mode == "binsearch" else 1 << (cap.bit_length() - 1)
    while size <= top and fits(size):
        # mostly the largest size fits; then two runs tell all
        if good == 0 and size < top and fits(top):
            return top
        good, size = size, size * 2
    bad = min(size, top + 1)
    while bad - good > 1 and (mode == "binsearch" or good == 0):
        middle = (good + bad) // 2
        if fits(middle):
            good = middle
        else:
            bad = middle
    return good


def probe(config: Mapping[str, Any], folder: TrialFolder, memory_share: float) -> Probed:
    """Find the largest micro-batch that really ran, for `batch.auto_scale` of the configuration.

    Raises:
        UserError: not even the smallest size runs.
    """
    seed_everything(config)
    built = build(config)
    settings = config["batch"]
    owner: Any = built.data if hasattr(built.data, "batch_size") else built.model
    trainer = make_trainer(
        built,
        folder.root,
        [],
        accumulate_grad_batches=1,
        max_epochs=1,
        callbacks=None,
        logger=None,
        **ONE_DEVICE,
    )
    on_host = not trainer.strategy.root_device.type.startswith("cuda")
    budget = host_budget_bytes(memory_share) if on_host else None
    guard = MemoryGuard(owner, budget)
    guard.watch(built.model)
    tuner = importlib.import_module(f"{built.lightning.__name__}.tuner").Tuner(trainer)
    tried: list[int] = []

    def fits(size: int) -> bool:
        tried.append(size)
        owner.batch_size = size
        tuner.scale_batch_size(
            built.model,
            datamodule=built.data,
            mode="power",
            steps_per_trial=STEPS,
            init_val=size,
            max_trials=1,
            max_val=sys.maxsize,
        )
        return size in guard.ran

    found = largest_that_fits(fits, settings["auto_scale"], settings.get("max") or _DEFAULT_CAP)
    if not found:
        raise UserError(
            "batch.auto_scale: not even a micro-batch of 1 fits into memory. "
            "Make the model smaller or use a larger device."
        )
    return Probed(micro_batch=found, tried=tuple(tried))


def host_budget_bytes(memory_share: float) -> int:
    """What a probe on the CPU may take: its share of what is available now, with a margin."""
    return int((_available_bytes() + peak_memory_bytes()) * _BUDGET * memory_share)


def peak_memory_bytes() -> int:
    """The largest resident size this process has had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _available_bytes() -> int:
    limits = [int(psutil.virtual_memory().available)]
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        if (file := Path(path)).is_file() and (text := file.read_text().strip()).isdigit():
            limits.append(int(text))
    return min(limits)
