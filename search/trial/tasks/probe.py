"""The batch-size probe.

Lightning's Tuner (2.6) is not used. Its search returns sizes that it never ran and never ends where
a batch of the whole dataset does not fit; and where memory ends in a validation, at the end of an
epoch, or in other words than those of CUDA, it fails instead of telling that the size is too large.
So each size gets a fit of a few batches and a validation of its own, and the search is here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loggers.logger import DummyLogger
from lightning.pytorch.utilities import CombinedLoader
from pytorch_lightning.utilities.memory import garbage_collection_cuda

from search.errors import UserError
from search.layout import TrialFolder
from search.messages import OOM, Probed
from search.plain.host_memory import free_memory_bytes
from search.study_file.micro_batches import UsableSizes
from search.study_file.trial_config import LightningSections, ScriptRun, TrialConfig
from search.trial.building.build import (
    Built,
    build,
    has_batch_norm,
    make_trainer,
    seed_everything,
    set_micro_batch,
)
from search.trial.building.trainer import one_short_epoch
from search.trial.fitting.epoch_end import run_after, run_before
from search.trial.process.failures import cause_of
from search.trial.process.gpus import limit_gpu_memory
from search.trial.process.memory import peak_memory_bytes

STEPS = 3
_FIRST_SIZE = 2
_DEFAULT_CAP = 8192
_BUDGET = 0.8


class MemoryGuard:
    """Hooks of the probed module that refuse what is beyond the budget.

    Args:
        memory_bytes: what the process may take; None leaves it to the device's own error.
    """

    def __init__(self, memory_bytes: int | None) -> None:
        self._memory_bytes = memory_bytes
        self._baseline = peak_memory_bytes()
        self._size = 0
        self._largest = 0

    def watch(self, module: LightningModule) -> None:
        """Put the guard into the module's own hooks, which no callback's hook comes before."""
        run_before(module, "on_train_batch_start", self._refuse_larger)
        for hook in ("on_train_batch_end", "on_validation_batch_end"):
            run_after(module, hook, lambda: self._refuse_beyond(peak_memory_bytes()))

    def begin(self, size: int) -> None:
        """A size is about to run."""
        self._size = size

    def note(self, size: int) -> None:
        """A size ran from its first batch to the end of its validation."""
        self._largest = max(self._largest, size)

    def _refuse_larger(self) -> None:
        """Refuse a size by its forecast, in proportion to the largest size that ran."""
        peak = peak_memory_bytes()
        if not self._largest:
            self._refuse_beyond(peak)
        else:
            growth = (peak - self._baseline) * self._size / self._largest
            self._refuse_beyond(self._baseline + growth)

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


def probe(
    config: TrialConfig,
    folder: TrialFolder,
    *,
    memory_share: float = 1.0,
    gpu_share: float = 1.0,
) -> Probed:
    """Find the largest micro-batch that really ran, for `batch.auto_scale` of the configuration.

    Args:
        memory_share: the part of the host's memory that it may take, where it trains on the host.
        gpu_share: that of the memory of each GPU.

    Raises:
        UserError: not even the smallest size runs, or the loader does not take the sizes.
    """
    batch = config.batch
    assert batch is not None
    seed_everything(config.sections)
    built = build(config.sections)
    usable = UsableSizes(has_batch_norm(built.model), batch.epoch)
    cap = usable.up_to(batch.max or _DEFAULT_CAP)
    tried: list[int] = []
    trainer = _trainer(built, folder)
    limit_gpu_memory(trainer, gpu_share)
    on_host = trainer.strategy.root_device.type != "cuda"
    guard = MemoryGuard(host_budget_bytes(memory_share) if on_host else None)
    script = config.sections.script
    of_size = _resizer(built, guard) if script is None else _script_runner(config.sections, guard)
    runs = _runner(of_size, folder, guard, _fixed_line(built, script))
    # a script makes its data again, which may be large
    del built, trainer

    @cache
    def fits(size: int) -> bool:
        tried.append(size)
        return runs(size)

    found = 0
    if cap is not None:
        found = largest_that_fits(lambda size: fits(usable.from_(size)), batch.auto_scale, cap)
    if not found:
        raise UserError(_too_large(usable, batch.max))
    return Probed(micro_batch=usable.from_(found), tried=tuple(tried))


def _resizer(built: Built, guard: MemoryGuard) -> Callable[[int], Built]:
    """A function that gives model and data a size."""
    guard.watch(built.model)

    def of_size(size: int) -> Built:
        set_micro_batch(built, size)
        return built

    return of_size


def _script_runner(sections: LightningSections, guard: MemoryGuard) -> Callable[[int], Built]:
    """A function that runs a script up to its fit with a size on its command line: its loaders are
    made by then, and take no other."""
    script = sections.script
    assert script is not None

    def of_size(size: int) -> Built:
        built = build(replace(sections, script=script.with_micro_batch(size)))
        guard.watch(built.model)
        return built

    return of_size


def _runner(
    of_size: Callable[[int], Built], folder: TrialFolder, guard: MemoryGuard, fixed: str
) -> Callable[[int], bool]:
    """A function that runs a size; it returns True where memory was enough.

    Args:
        of_size: what is fitted with a size.
        fixed: the line for loaders whose batches stay as they are, with a place for their size.
    """
    # by the size that was asked for, those that the loaders had
    of_loaders: dict[int, Sequence[int]] = {}

    def fit(size: int) -> None:
        built = of_size(size)
        trainer = _trainer(built, folder)
        try:
            built.fit(trainer)
        finally:
            of_loaders[size] = _sizes_of_loaders(trainer)

    def runs(size: int) -> bool:
        guard.begin(size)
        is_enough = True
        try:
            fit(size)
        except Exception as error:
            if cause_of(error) != OOM:
                raise
            is_enough = False
        finally:
            garbage_collection_cuda()
        _refuse_fixed(of_loaders, fixed)
        if is_enough:
            guard.note(size)
        return is_enough

    return runs


def _trainer(built: Built, folder: TrialFolder) -> Trainer:
    """A Trainer for a few batches, with a logger that does nothing, for modules that call
    theirs."""
    arguments = one_short_epoch(built.trainer_arguments, train=STEPS, val=STEPS)
    arguments |= {"callbacks": None, "enable_checkpointing": False, "logger": DummyLogger()}
    return make_trainer(built, folder.root, [], **arguments)


def _sizes_of_loaders(trainer: Trainer) -> list[int]:
    """The batch size of each training loader that says it."""
    loaders = CombinedLoader(trainer.train_dataloader).flattened
    sizes = [getattr(each, "batch_size", None) for each in loaders]
    return [size for size in sizes if isinstance(size, int)]


def _refuse_fixed(of_loaders: Mapping[int, Sequence[int]], fixed: str) -> None:
    """Refuse loaders whose batches stay as they are; they need not be of the very size, since a
    loader may make pairs of its samples, say."""
    if not of_loaders:
        return
    smallest, largest = min(of_loaders), max(of_loaders)
    sizes = of_loaders[largest]
    if largest < 2 * smallest or not sizes or sizes != of_loaders[smallest]:
        return
    raise UserError(f"batch.auto_scale: needs batches of any size, but {fixed.format(sizes[0])}")


def _fixed_line(built: Built, script: ScriptRun | None) -> str:
    if script is not None:
        return (
            f"those of {script.name} stay at {{}} samples. Let its train_dataloaders take "
            f"{script.batch_argument} as their batch_size, or set auto_scale: off."
        )
    section, owner = ("model", built.model) if built.data is None else ("data", built.data)
    return (
        f"those of {section}: {type(owner).__name__} stay at {{}} samples. Let its "
        "train_dataloader read self.batch_size or self.hparams.batch_size, or set auto_scale: off."
    )


def _too_large(usable: UsableSizes, cap: int | None) -> str:
    if usable.has_batch_norm and cap is not None and usable.up_to(cap) is None:
        return (
            f"batch.max: {cap} leaves no micro-batch for batch norm, which needs two samples in "
            "every batch, the last of an epoch included. Raise it, or drop the last batch."
        )
    return (
        f"batch.auto_scale: not even a micro-batch of {usable.from_(1)} fits into memory. "
        "Make the model smaller or use a larger device."
    )


def host_budget_bytes(memory_share: float) -> int:
    """Memory for a probe on the CPU: its share of what is available now, with a margin."""
    return int((free_memory_bytes() + peak_memory_bytes()) * _BUDGET * memory_share)
