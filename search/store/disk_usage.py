"""What a study takes on disk, and which of it nothing needs any more."""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from search.layout import StudyFolder
from search.plain.whole_files import is_unfinished
from search.store.lock import StudyLock
from search.store.placement import check_writable, refuse_links
from search.store.reading import read_study
from search.store.records import StudyRecord
from search.store.retention import Retention
from search.study_file.load import load_study_file

KINDS = ("checkpoints", "logs", "database", "events", "rest")
_AGENTS = "agents"
_PUT_ASIDE = ("study.db.before-", ".study.db.rebuilt")


@dataclass(frozen=True)
class Cleaned:
    """The files that were removed, or would be, and the bytes that their disk gets back."""

    paths: tuple[Path, ...]
    freed_bytes: int


def usage(folders: Iterable[StudyFolder]) -> dict[str, Counter[str]]:
    """Bytes by kind for each study, by its name.

    A file with several names, such as a checkpoint that a child study took over, counts once, for
    the first study that has it.
    """
    seen: set[tuple[int, int]] = set()
    taken: dict[str, Counter[str]] = {}
    for folder in folders:
        counts = taken[folder.name] = Counter(dict.fromkeys(KINDS, 0))
        for path in _files_below(folder.root):
            status = path.stat()
            if (inode := (status.st_dev, status.st_ino)) not in seen:
                seen.add(inode)
                counts[kind_of(path.relative_to(folder.root))] += status.st_size
    return taken


def remove_unneeded(folder: StudyFolder, *, keep: int | None, dry_run: bool) -> Cleaned:
    """Remove what is needed neither to go on with a study nor to rebuild it nor to use its best.

    Args:
        keep: how many of the best trials keep their checkpoints; None does as the study file says.
        dry_run: only say what would be removed.

    Raises:
        StorageError: the study runs, its folder holds a link, or its events are damaged.
    """
    check_writable(folder.root)
    refuse_links(folder)
    lock = StudyLock(folder.lock)
    try:
        top = keep or load_study_file(folder.study_file).keep.top
        paths = _superfluous(folder, read_study(folder), top)
        freed = _freed_bytes(paths)
        if not dry_run:
            _remove(folder, paths)
        return Cleaned(tuple(paths), freed)
    finally:
        lock.release()


def kind_of(path: Path) -> str:
    """One of `KINDS` for a path within a study folder."""
    if any(part.removesuffix(".tmp").endswith(".ckpt") for part in path.parts):
        return "checkpoints"
    if path.name in ("log.txt", "server.log") or path.parts[0] == _AGENTS:
        return "logs"
    if path.parts[0].lstrip(".").startswith("study.db"):
        return "database"
    return "events" if path.name == "events.jsonl" else "rest"


def _superfluous(folder: StudyFolder, record: StudyRecord, top: int | None) -> list[Path]:
    retention = Retention(top, record.direction)
    dropped = {path for trial in record.trials for path in retention.superfluous(trial)}
    return [
        path
        for path in _files_below(folder.root)
        if not dropped.isdisjoint((path, *path.parents))
        or _is_left_over(path.relative_to(folder.root))
    ]


def _is_left_over(path: Path) -> bool:
    """Files of probes that are done and of agents of earlier runs, databases put aside, and what
    was cut off while written."""
    is_cut_off = is_unfinished(path)
    return path.parts[0] in ("probes", _AGENTS) or path.name.startswith(_PUT_ASIDE) or is_cut_off


def _freed_bytes(paths: Iterable[Path]) -> int:
    """A file is freed with the last of its names."""
    statuses = [path.stat() for path in paths]
    names = Counter(status.st_ino for status in statuses)
    freed = {s.st_ino: s.st_size for s in statuses if names[s.st_ino] == s.st_nlink}
    return sum(freed.values())


def _remove(folder: StudyFolder, paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink()
        for parent in path.parents:
            if parent == folder.root or parent.parent == folder.trials:
                break
            with contextlib.suppress(OSError):  # it is not empty yet
                parent.rmdir()


def _files_below(root: Path) -> Iterator[Path]:
    """Regular files, in order; a link leads out of the folder and is nobody's.

    Raises:
        OSError: a folder cannot be looked into.
    """
    for place, folders, names in os.walk(root, onerror=_refuse):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            if path.is_file() and not path.is_symlink():
                yield path


def _refuse(error: OSError) -> None:
    raise error
