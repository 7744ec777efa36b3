"""Files of an attempt that have arrived, put in their place on the disk of the study.

A power cut at any point leaves checkpoints that a trial goes on from to the same values: reports
are on the disk before a checkpoint that comes after them, and the best before the last, which says
that it is there.
"""

from __future__ import annotations

import os
from pathlib import Path

from search.executors.remote.parcels import Receiving
from search.layout import TrialFolder
from search.plain.whole_files import (
    PRIVATE,
    keep_copy,
    make_folder,
    put_in_place,
)


def put_all_in_place(received: Receiving, trial: TrialFolder, log_size: int) -> None:
    """Give all that has arrived its name.

    Args:
        log_size: bytes that the log of the trial had when the attempt began.

    Raises:
        OSError: the disk is full, or the folder is gone.
    """
    root, parcel = trial.study.root, received.parcel
    received.link_second_names()
    for folder in parcel.folders:
        make_folder(root / folder)
    pair = (trial.last_ckpt, trial.best_ckpt)
    for each in parcel.files:
        target = root / each.path
        if any(target.is_relative_to(checkpoint) for checkpoint in pair):
            continue
        if each.at is None:
            make_folder(target.parent)
            received.staged(each.path).replace(target)
        else:
            before = log_size if target == trial.log else 0
            _write_end(received.staged(each.path), target, before + each.at)
    _switch(received.staged(trial.root.relative_to(root).as_posix()), trial)
    for path in parcel.gone:
        (root / path).unlink(missing_ok=True)
    received.discard()


def _write_end(staged: Path, target: Path, at: int) -> None:
    """Write the end of a file that grows where it belongs: one that comes twice is there once."""
    make_folder(target.parent)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, PRIVATE)
    with os.fdopen(descriptor, "wb") as log, staged.open("rb") as end:
        log.seek(at)
        while data := end.read(1 << 20):
            log.write(data)


def _switch(staged: Path, trial: TrialFolder) -> None:
    """Put the checkpoints in the place of those before."""
    arrived = TrialFolder(staged)
    if not (arrived.best_ckpt.exists() or arrived.last_ckpt.exists()):
        return
    if trial.events.exists():
        # a report that nobody has written would never be said again
        with trial.events.open("rb") as events:
            os.fsync(events.fileno())
    if arrived.best_ckpt.exists():
        put_in_place(arrived.best_ckpt, trial.best_ckpt)
    if arrived.last_ckpt.exists():
        if trial.last_ckpt.exists():
            keep_copy(trial.last_ckpt, trial.previous_ckpt)
        put_in_place(arrived.last_ckpt, trial.last_ckpt)
