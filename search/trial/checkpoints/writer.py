"""The writer of a trial's checkpoints: on the disk, or in memory until they go there.

Knows files, not when one is due. A copy in memory becomes the very file that it would have been.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from lightning.pytorch import Trainer

from search.layout import TrialFolder
from search.plain.whole_files import files_of, keep_copy
from search.trial.checkpoints.files import save_checkpoint, sync, write_checkpoint
from search.trial.checkpoints.held_copy import Content, content_of, held

# a larger one is written, not copied: its memory is better used by the trial
_LARGEST_COPY_BYTES = 1 << 30
# Lightning's own plugin, in either package (2.6)
_PLUGINS = ("lightning.fabric.plugins.io.torch_io", "lightning_fabric.plugins.io.torch_io")

T = TypeVar("T")


@dataclass(frozen=True)
class _Held:
    """The end of an epoch in memory."""

    content: Content
    # the best that is not written, which may be the same one
    best: Content | None


class CheckpointWriter:
    """Writes `last.ckpt`, `previous.ckpt` and `best.ckpt`.

    Every rank must call each method with a Trainer: strategies gather weights there.
    """

    def __init__(self, folder: TrialFolder) -> None:
        self._folder = folder
        # not written yet: the best so far
        self._best: Content | None = None
        # the end of the last epoch that was held, and what was best then
        self._end: _Held | None = None

    def can_hold(self, trainer: Trainer) -> bool:
        """Tell whether a checkpoint may stay in memory: one that this writes itself, and that is
        not large, as the first one on the disk shows. The first rank's answer counts."""
        size = sum(each.stat().st_size for each in files_of(self._folder.last_ckpt))
        return _is_plain(trainer) and 0 < size <= _LARGEST_COPY_BYTES

    def hold(self, trainer: Trainer, *, is_best: bool, is_last: bool) -> None:
        """Copy a checkpoint into memory as the best, as the last, or as both."""
        content = _held(trainer)
        if is_best:
            self._best = content
        if is_last and content is not None:
            self._end = _Held(content, self._best)

    def write_held(self, trainer: Trainer) -> None:
        """Write the end of the last epoch that is held, and what was best then: a best that came
        after it comes again."""
        if self._end is not None:
            self._write_end(self._end)
        self._best = self._end = None
        trainer.strategy.barrier()

    def _write_end(self, end: _Held) -> None:
        last, best = self._folder.last_ckpt, self._folder.best_ckpt
        # before the file that says that it is there
        if end.best is not None:
            write_checkpoint(end.best(), best)
        self._keep_previous()
        self._sync_reports()
        if end.best is end.content:
            keep_copy(best, last)
        else:
            write_checkpoint(end.content(), last)

    def write_last(self, trainer: Trainer, kept: Mapping[str, Any], *, is_best: bool) -> None:
        """Write `last.ckpt`; it becomes `best.ckpt`, too, where it is the best, else that becomes
        what is held of it.

        Args:
            kept: what must be known of shards without loading them, as JSON.
        """
        if self._best is not None and not is_best:
            # before the file that says that it is there
            write_checkpoint(self._best(), self._folder.best_ckpt)
        self._best = None
        if trainer.is_global_zero:
            self._keep_previous()
            self._sync_reports()
        if _is_plain(trainer):
            # as Lightning's plugin, which writes each file twice
            content = _content(trainer)
            if content is not None:
                write_checkpoint(content, self._folder.last_ckpt)
        else:
            save_checkpoint(trainer, self._folder.last_ckpt, kept)
        if is_best and trainer.is_global_zero:
            keep_copy(self._folder.last_ckpt, self._folder.best_ckpt)
        self._end = None
        # a rank that ended meanwhile would have Lightning kill the first while it writes
        trainer.strategy.barrier()

    def write_best(self, trainer: Trainer, kept: Mapping[str, Any]) -> None:
        """Write `best.ckpt` at once."""
        save_checkpoint(trainer, self._folder.best_ckpt, kept)

    def recall_best(self, trainer: Trainer) -> None:
        """Make the checkpoint that a trial goes on from its best, which it is: an attempt can end
        between the two names of one checkpoint."""
        if trainer.is_global_zero:
            keep_copy(Path(str(trainer.ckpt_path)), self._folder.best_ckpt)

    def _keep_previous(self) -> None:
        if self._folder.last_ckpt.exists():
            keep_copy(self._folder.last_ckpt, self._folder.previous_ckpt)

    def _sync_reports(self) -> None:
        """Wait until the reports behind a checkpoint are on the disk; they would never be said
        again."""
        if self._folder.events.exists():
            sync(self._folder.events)


class _Catcher(Generic[T]):
    """Stands in for Lightning's plugin, and keeps what becomes of that which it would write.

    Args:
        keep: makes of a checkpoint what is kept.
    """

    def __init__(self, keep: Callable[[dict[str, Any]], T]) -> None:
        self._keep = keep
        self.kept: T | None = None

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: object, storage_options: object = None
    ) -> None:
        self.kept = self._keep(checkpoint)


def _content(trainer: Trainer) -> memoryview | None:
    """The file that a checkpoint would be; None on ranks other than 0."""
    return _caught(trainer, content_of)


def _held(trainer: Trainer) -> Content | None:
    """A copy of the checkpoint; None on ranks other than 0."""
    return _caught(trainer, held)


def _caught(trainer: Trainer, keep: Callable[[dict[str, Any]], T]) -> T | None:
    strategy, catcher = trainer.strategy, _Catcher(keep)
    plugin = strategy.checkpoint_io
    strategy.checkpoint_io = catcher  # type: ignore[assignment]
    try:
        trainer.save_checkpoint("in memory")
    finally:
        strategy.checkpoint_io = plugin
    return catcher.kept


def _is_plain(trainer: Trainer) -> bool:
    """Tell whether Lightning's own plugin writes the checkpoints, not a strategy in its own way, as
    shards are, nor a plugin of the user's."""
    strategy = type(trainer.strategy)
    definer = next(cls for cls in strategy.__mro__ if "save_checkpoint" in vars(cls))
    if definer.__name__ != "Strategy":
        return False
    plugin = type(trainer.strategy.checkpoint_io)
    return plugin.__module__ in _PLUGINS
