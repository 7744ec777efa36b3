"""The time of a training step with several numbers of threads, and the memory of a trial.

What it finds out decides how many trials share a machine, and never if a study file is sound.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

import psutil
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers.logger import DummyLogger

from search.answers import Timed
from search.layout import TrialFolder
from search.study_file.trial_config import TrialConfig
from search.trial.building.build import Built, build, make_trainer, seed_everything
from search.trial.building.trainer import callbacks_of, one_short_epoch, without_finders
from search.trial.fitting.throwaway import ThrowawayCheckpoints
from search.trial.inspection.gpu_load import GpuLoad
from search.trial.process.memory import children_memory_bytes, peak_memory_bytes

# steps in a row with one number of threads, of which the first wakes them, and how often
_STEPS = 4
_ROUNDS = 3
# no further step is begun after so long in steps, and so long in all, with short epochs
_STEPS_S = 0.5
_IN_ALL_S = 2.0
# no further fit is begun after so long, whatever it timed
_FITS_S = 5.0
# of an epoch; what times them ends it before
_MANY_BATCHES = 100_000


def time_steps(config: TrialConfig, folder: TrialFolder, *, threads: int) -> Timed:
    """Time training steps, the loading of their batches included; on a GPU, look how much of it
    they take.

    Args:
        threads: the most that a trial could have.

    Raises:
        Whatever the user's code or Lightning raises.
    """
    timer, load = _Timer(tuple(_counts(threads))), GpuLoad()
    seed_everything(config.sections)
    built = build(config.sections)
    # each begins in the first epoch, which is as far as the check has looked
    began = time.monotonic()
    while not (timer.is_done or load.is_done) and time.monotonic() - began < _FITS_S:
        if not _fit(built, folder, [timer, load]):
            break
    return Timed(
        step_s=timer.medians(),
        memory_bytes=_own_memory_bytes() + timer.loaders_bytes,
        gpu_memory_bytes=load.memory_bytes,
        gpu_busy=load.busy,
    )


def _own_memory_bytes() -> int:
    """The most memory that this process had for itself: libraries, and what the fork server has
    in memory, are there once for all."""
    memory = psutil.Process().memory_full_info()
    return int(memory.uss) + max(0, peak_memory_bytes() - int(memory.rss))


def _counts(threads: int) -> Iterator[int]:
    """The most threads first, which is what a slow step gets that leaves no time for others."""
    yield threads
    count = 1 << (threads - 1).bit_length() >> 1
    while count:
        yield count
        count >>= 1


def _fit(built: Built, folder: TrialFolder, looks: list[Callback]) -> bool:
    """Fit one epoch, or what is needed of it; True where there was a step."""
    given = built.trainer_arguments
    val = 0 if given.get("limit_val_batches") == 0 else 1
    arguments = one_short_epoch(given, train=_MANY_BATCHES, val=val)
    logger = given.get("logger")
    arguments |= {
        "callbacks": without_finders(callbacks_of(arguments)),
        "logger": logger if isinstance(logger, bool) else DummyLogger(),
    }
    added = [*looks, ThrowawayCheckpoints(folder.root / "checkpoints")]
    trainer = make_trainer(built, folder.root, added, **arguments)
    built.fit(trainer)
    return trainer.global_step > 0


@dataclass
class _Timer(Callback):
    """Times steps, and ends the fit when it has enough."""

    counts: tuple[int, ...]
    """Numbers of threads, in the order in which they are tried."""
    firsts: dict[int, list[float]] = field(default_factory=dict)
    """Seconds of the first steps after another number."""
    others: dict[int, list[float]] = field(default_factory=dict)
    """Seconds of the steps after those."""
    loaders_bytes: int = 0
    """The most memory that the processes had that load the batches."""
    _steps: int = 0
    _began: float = 0.0
    _fit_began: float | None = None
    _seconds: float = 0.0

    @property
    def steps_left(self) -> int:
        """Steps that are still to be timed."""
        return len(self.counts) * _STEPS * _ROUNDS - self._steps

    @property
    def is_done(self) -> bool:
        """True once every step is timed, or the time for them is over."""
        if self._fit_began is None:
            return False
        is_late = time.monotonic() - self._fit_began > _IN_ALL_S
        return is_late or self._seconds > _STEPS_S or not self.steps_left

    def medians(self) -> dict[int, float]:
        """Seconds of a step by the number of threads, of those that were reached."""
        times = {**self.firsts, **self.others}
        return {count: median(times[count]) for count in sorted(times)}

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._fit_began is None:
            self._fit_began = time.monotonic()
        # the steps after begin with the end of the one before
        self._begin()

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        seconds = time.monotonic() - self._began
        # a GPU computes, and a callback of the user's may have added epochs
        if trainer.strategy.root_device.type != "cuda" and self.steps_left:
            self._add(seconds)
            if self.is_done:
                trainer.should_stop = True
        # once a round, and between two steps, as it takes milliseconds
        if batch_idx % (len(self.counts) * _STEPS) == 0:
            self.loaders_bytes = max(self.loaders_bytes, children_memory_bytes())
        self._begin()

    def _add(self, seconds: float) -> None:
        times = self.firsts if self._steps % _STEPS == 0 else self.others
        times.setdefault(self._count, []).append(seconds)
        self._seconds += seconds
        self._steps += 1

    @property
    def _count(self) -> int:
        return self.counts[self._steps // _STEPS % len(self.counts)]

    def _begin(self) -> None:
        if torch.get_num_threads() != self._count:
            torch.set_num_threads(self._count)
        self._began = time.monotonic()
