"""Which checkpoints of a study are kept, and the disk that trials need."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from search.layout import StudyFolder, TrialFolder
from search.plain.whole_files import discard, files_of
from search.store.placement import free_bytes
from search.store.records import TrialRecord
from search.study_file.objective import sign_of

_RESERVE_BYTES = 64 << 20
_WEIGHT_BYTES = 4  # in single precision
# of a trial that runs: last, the one before, best, and the one being written
CHECKPOINTS_A_TRIAL = 4


class Retention:
    """What the study file says of checkpoints: those of the `top` complete trials, or of all.

    Told of one finished trial after another, so that a long study costs no more at its end.
    """

    def __init__(self, top: int | None, direction: str) -> None:
        self._top = top
        self._sign = sign_of(direction)
        self._best: list[tuple[bool, float, int, TrialFolder]] = []

    def superfluous(self, trial: TrialRecord) -> list[Path]:
        """Checkpoint files that need not be kept now that this trial is finished, or paused.

        A pruned trial is no result and never goes on. Another one needs no checkpoint but its last
        and its best, and a complete one none where `top` others are better; feasible ones go first.
        """
        folder = TrialFolder(trial.folder)
        if not trial.is_finished:
            return [folder.previous_ckpt] if trial.is_paused else []
        if trial.state == "PRUNED":
            return checkpoints_in(folder)
        dropped = [folder.previous_ckpt, *folder.ready_ckpts, folder.source_ckpt]
        if trial.state == "COMPLETE" and self._top is not None:
            # one that breaks an outcome constraint is never the best, however good its value
            rank = (bool(trial.infeasible), self._sign * (trial.value or 0.0))
            insort(self._best, (*rank, trial.number, folder))
            for *_, worse in self._best[self._top :]:
                dropped += checkpoints_in(worse)
            del self._best[self._top :]
        return dropped


def checkpoints_in(folder: TrialFolder) -> list[Path]:
    """Every checkpoint in a trial's folder: the trial's own, and those of the user's callbacks."""
    return sorted({*folder.checkpoints, *folder.root.rglob("*.ckpt")})


def remove(paths: Iterable[Path]) -> int:
    """Delete the files and folders that exist; returns the bytes that they took."""
    freed = 0
    for path in paths:
        # a link frees nothing, wherever it leads
        for file in files_of(path) if not path.is_symlink() else ():
            # a hard link to a file that stays frees nothing
            status = file.stat()
            freed += status.st_size if status.st_nlink == 1 else 0
        discard(path)
    return freed


@dataclass
class DiskFloor:
    """The free disk under which no trial starts: room for the checkpoints of every worker, as
    large as the largest so far, and a reserve for everything else."""

    folder: StudyFolder
    workers: int
    largest_bytes: int = 0

    def learn(self, folder: TrialFolder) -> None:
        """Look at the checkpoints of a trial that ended."""
        for path in folder.checkpoints:
            size = sum(file.stat().st_size for file in files_of(path))
            self.largest_bytes = max(self.largest_bytes, size)

    def expect(self, parameters: int | None) -> None:
        """Look at a model before its first checkpoint, which holds its weights at least."""
        self.largest_bytes = max(self.largest_bytes, _WEIGHT_BYTES * (parameters or 0))

    @property
    def floor_bytes(self) -> int:
        return _RESERVE_BYTES + self.workers * CHECKPOINTS_A_TRIAL * self.largest_bytes

    def missing(self) -> str | None:
        """Why no trial can start, on one line; None where there is room."""
        free = free_bytes(self.folder.root)
        if free >= self.floor_bytes:
            return None
        return (
            f"paused: {free >> 20} MiB of disk are free at {self.folder.root}, trials need "
            f"{-(-self.floor_bytes >> 20)} MiB. Free some, with `search clean` perhaps; the study "
            "goes on by itself"
        )
