"""The batch-size probe: Lightning's Tuner, guarded where it is not to be trusted.

The Tuner (2.6) returns sizes that it never ran, and without an out-of-memory error grows to its
limit. So a guard writes down every size that ran to its end, and answers with an out-of-memory
error, in the words that the Tuner understands, whatever is beyond the cap or the memory budget.
"""

from __future__ import annotations

import importlib
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from search.errors import UserError
from search.messages import Probed
from search.study.layout import TrialFolder
from search.trial.build import build, make_trainer, seed_everything

STEPS = 3
_FIRST_SIZE = 2
_DEFAULT_CAP = 8192
_BUDGET = 0.8


class SizeGuard:
    """Hooks of the probed module that see each size begin and end.

    Args:
        owner: what carries the attribute `batch_size`.
        cap: the largest size that may be tried.
        memory_bytes: what the process may take; None leaves it to the device's own error.
    """

    def __init__(self, owner: Any, cap: int, memory_bytes: int | None) -> None:
        self._owner = owner
        self._cap = cap
        self._memory_bytes = memory_bytes
        self._baseline = peak_memory_bytes()
        self._steps = 0
        self.ran: list[int] = []
        self.tried: list[int] = []

    def watch(self, module: Any) -> None:
        """Put the guard into the module's own hooks; the Tuner removes every callback."""
        before, after = module.on_train_batch_start, module.on_train_batch_end

        def on_train_batch_start(*args: Any, **kwargs: Any) -> Any:
            self._begin()
            return before(*args, **kwargs)

        def on_train_batch_end(*args: Any, **kwargs: Any) -> Any:
            result = after(*args, **kwargs)
            self._end()
            return result

        module.on_train_batch_start = on_train_batch_start
        module.on_train_batch_end = on_train_batch_end

    def _begin(self) -> None:
        size = self._owner.batch_size
        if not self.tried or self.tried[-1] != size:
            self.tried.append(size)
            self._steps = 0
        if size > self._cap:
            _refuse(f"{size} is beyond the cap of {self._cap}")
        if self._memory_bytes is not None and self._forecast(size) > self._memory_bytes:
            _refuse(f"{size} would take more than {self._memory_bytes} bytes")

    def _end(self) -> None:
        self._steps += 1
        size = self._owner.batch_size
        if self._memory_bytes is not None and peak_memory_bytes() > self._memory_bytes:
            _refuse(f"{size} took more than {self._memory_bytes} bytes")
        # a batch of the whole dataset makes an epoch of one step
        if size not in self.ran:
            self.ran.append(size)

    def _forecast(self, size: int) -> float:
        """Peak memory if it grows in proportion to the batch, from the largest size that ran."""
        peak = peak_memory_bytes()
        if not self.ran:
            return peak
        return self._baseline + (peak - self._baseline) * size / max(self.ran)


def probe(config: Mapping[str, Any], folder: TrialFolder, memory_share: float) -> Probed:
    """Find the largest micro-batch that really ran, for `batch.auto_scale` of the configuration.

    Raises:
        UserError: not even the smallest size runs.
    """
    seed_everything(config)
    built = build(config)
    settings = config["batch"]
    owner = built.data if hasattr(built.data, "batch_size") else built.model
    trainer = make_trainer(
        built, folder.root, [], accumulate_grad_batches=1, max_epochs=1, callbacks=None, logger=None
    )
    on_host = not trainer.strategy.root_device.type.startswith("cuda")
    budget = host_budget_bytes(memory_share) if on_host else None
    guard = SizeGuard(owner, settings.get("max") or _DEFAULT_CAP, budget)
    guard.watch(built.model)
    tuner = importlib.import_module(f"{built.lightning.__name__}.tuner").Tuner(trainer)
    tuner.scale_batch_size(
        built.model,
        datamodule=built.data,
        mode=settings["auto_scale"],
        steps_per_trial=STEPS,
        init_val=min(_FIRST_SIZE, guard._cap),
        margin=0.0,
        max_val=sys.maxsize,
    )
    if not guard.ran:
        raise UserError(
            "batch.auto_scale: not even a micro-batch of "
            f"{_FIRST_SIZE} fits into memory. Make the model smaller or use a larger device."
        )
    return Probed(micro_batch=max(guard.ran), tried=tuple(guard.tried))


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


def _refuse(reason: str) -> None:
    raise RuntimeError(f"DefaultCPUAllocator: can't allocate memory: {reason}")
