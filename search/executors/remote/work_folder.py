"""The folder of an attempt on a machine that does not see the study's: a study of one trial, whose
files come from the disk of the study and go back there.

Knows what has changed since a file was there last, not how files travel.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from search.executors.remote.parcels import OpenFile, Sending
from search.file_messages import Parcel, ParcelFile
from search.layout import StudyFolder, TrialFolder
from search.plain.whole_files import files_of, is_unfinished

# tasks whose files are the trial's; of others, which answer questions, the log alone is of use
_KEEPING = ("fit", "close")
# files of loggers that only grow, as the log of an attempt does
_GROWING = "events.out.tfevents"

# device, number, size, and time of writing of a file
Signature = tuple[int, int, int, int]


@dataclass
class Change:
    """Files that have changed, open."""

    opened: list[OpenFile] = field(default_factory=list)
    files: list[ParcelFile] = field(default_factory=list)
    """All of them, those too that are a second name of another."""
    signatures: dict[str, Signature] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing has changed."""
        return not (self.files or self.folders or self.gone)

    def sending(self, attempt: str, number: int) -> Sending:
        """The parcel of them."""
        parcel = Parcel(attempt, number, tuple(self.files), self.folders, self.gone)
        return Sending(parcel, self.opened)

    def close(self) -> None:
        """Close the files."""
        for each in self.opened:
            each.content.close()


class WorkFolder:
    """The files of one attempt.

    Args:
        place: folder that is the attempt's alone.
        folder: the trial's on the disk of the study, or that of a question.
        task: task of the attempt.
    """

    def __init__(self, place: Path, folder: TrialFolder, task: str) -> None:
        self.place = place
        self._origin = folder.study.root
        self._study = StudyFolder(place / folder.study.name)
        # below the folder of the study
        self.below = folder.root.relative_to(self._origin).as_posix()
        self.trial = TrialFolder(self._study.root / self.below)
        self._keeps = task in _KEEPING
        # what the disk of the study has
        self._known: dict[str, Signature] = {}
        self._known_folders: set[str] = set()

    @property
    def root(self) -> Path:
        """The folder that stands for the study's."""
        return self._study.root

    def note_all(self) -> None:
        """Take note that all that is there came from the disk of the study."""
        found = [*self._checkpoint_files(), *self._other_files(is_last=True)]
        self._known = {path: _signature(file.stat()) for path, file in found}
        self._known_folders = set(self._folders())

    def in_words_of_study(self, tree: object) -> object:
        """The same plain data with the folder of the study in the place of this one."""
        match tree:
            case str():
                return tree.replace(str(self.root), str(self._origin))
            case dict():
                return {key: self.in_words_of_study(value) for key, value in tree.items()}
            case list() | tuple():
                return [self.in_words_of_study(value) for value in tree]
        return tree

    def change(self, *, is_last: bool) -> Change:
        """What is to be sent, as it is now.

        Args:
            is_last: whether the attempt has ended; then all that has changed is, else checkpoints,
                logs and metrics.

        Raises:
            OSError: a file went meanwhile, as it can before the attempt has ended.
        """
        change = Change()
        try:
            if self._keeps:
                self._open_checkpoints(change)
            for path, file in self._other_files(is_last=is_last):
                self._open(change, path, file)
        except OSError:
            change.close()
            raise
        if is_last and self._keeps:
            change.gone = tuple(path for path in self._known if not (self.root / path).exists())
        change.folders = tuple(each for each in self._folders() if each not in self._known_folders)
        return change

    def note_taken(self, change: Change) -> None:
        """Take note that the disk of the study has what was sent."""
        self._known.update(change.signatures)
        self._known_folders.update(change.folders)
        for path in change.gone:
            self._known.pop(path, None)

    def _open_checkpoints(self, change: Change) -> None:
        """Open the checkpoints that have changed: the last before the best, which may be newer,
        since a trial that goes on from the last comes to it again; an older one would be lost."""
        for checkpoint in (self.trial.last_ckpt, self.trial.best_ckpt):
            number = _inode(checkpoint)
            found = list(self._named(files_of(checkpoint)))
            if all(self._known.get(path) == _signature(file.stat()) for path, file in found):
                continue
            # one that is a folder is sent whole
            for path, file in found:
                self._open(change, path, file, is_sent=True)
            if _inode(checkpoint) != number:
                raise FileNotFoundError(f"{checkpoint} was replaced")

    def _open(self, change: Change, path: str, file: Path, *, is_sent: bool = False) -> None:
        """Open a file, if it has changed or `is_sent` all the same."""
        content = file.open("rb")
        status = os.fstat(content.fileno())
        signature, before = _signature(status), self._known.get(path)
        first = next((name for name, own in change.signatures.items() if own == signature), "")
        change.signatures[path] = signature
        if first or (signature == before and not is_sent):
            content.close()
            if first:
                change.files.append(ParcelFile(path, 0, same_as=first))
            else:
                del change.signatures[path]
            return
        at = None
        if self._is_growing(file):
            # of another attempt's log nothing is here
            at = before[2] if before is not None else 0
            content.seek(at)
        opened = OpenFile(ParcelFile(path, status.st_size - (at or 0), at), content)
        change.files.append(opened.file)
        change.opened.append(opened)

    def _is_growing(self, file: Path) -> bool:
        return file == self.trial.log or file.name.startswith(_GROWING)

    def _other_files(self, *, is_last: bool) -> Iterator[tuple[str, Path]]:
        """All files that are sent but the checkpoints that a trial goes on from."""
        if not self._keeps:
            yield from self._named(files_of(self.trial.log))
            return
        places = [self.trial.root] if is_last else [self.trial.log, self.trial.logs]
        for place in (*places, self._study.logs):
            for path, file in self._named(files_of(place)):
                is_checkpoint = file.suffix == ".ckpt" and not is_last
                if not (is_checkpoint or self._is_own(file)):
                    yield path, file

    def _is_own(self, file: Path) -> bool:
        """Whether a file is not sent as it is: a lock, a link, one that is being written, and
        checkpoints, of which the disk of the study makes the one before by itself."""
        trial = self.trial
        is_checkpoint = any(file.is_relative_to(each) for each in trial.checkpoints)
        is_lock = file in (trial.attempt, self._study.logs / ".lock")
        is_temporary = is_unfinished(file.relative_to(self.root))
        return is_temporary or is_checkpoint or is_lock or file.is_symlink()

    def _checkpoint_files(self) -> Iterator[tuple[str, Path]]:
        for checkpoint in (self.trial.last_ckpt, self.trial.best_ckpt):
            yield from self._named(files_of(checkpoint))

    def _named(self, files: list[Path]) -> Iterator[tuple[str, Path]]:
        """Files with their paths below the folder of the study."""
        for file in files:
            yield file.relative_to(self.root).as_posix(), file

    def _folders(self) -> Iterator[str]:
        """The folders of loggers, whose being there says something, below that of the study."""
        if self._keeps:
            for folder in (self.trial.logs, self._study.logs):
                if folder.is_dir():
                    yield folder.relative_to(self.root).as_posix()


def _inode(path: Path) -> int | None:
    return path.stat().st_ino if path.is_dir() else None


def _signature(status: os.stat_result) -> Signature:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
