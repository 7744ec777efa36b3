"""Finding and reading an earlier study for a new one to learn from: one of ours, or a database.

Nothing of it is written, locked or brought up to date; one of ours is read from its events.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from search.errors import StorageError, UserError
from search.layout import StudyFolder
from search.plain.wording import did_you_mean
from search.store.attributes import NONSENSE, corrupt_data_message
from search.store.database.earlier_database import read_database
from search.store.earlier_trials import SEVERAL_OBJECTIVES, EarlierStudy, finished_records
from search.store.placement import check_readable
from search.store.reading import is_study, studies_in, study_record
from search.store.recorded_study import recorded_study

# between the file of a database and the name of one of its studies
_OF = "::"


def read_earlier(word: str, own: StudyFolder, places: Sequence[Path], place: str) -> EarlierStudy:
    """The study that a word of a study file means.

    Args:
        word: the name of a study beside `own`, a folder of a study, or a SQLite file;
            `FILE::NAME` where that holds several.
        own: the study that is to learn, which cannot be meant itself.
        places: the folders that a path may be of; the first that has it counts.
        place: of the word, for messages.

    Raises:
        UserError: there is no such study, or one that cannot be learnt from.
        StorageError: its events are damaged, or it is another user's.
    """
    if "://" in word:
        # without what may be a password
        shown = word.partition("://")[0]
        raise UserError(
            f"{place}: {shown}://...: is an address. Name a study, its folder, or a SQLite file."
        )
    place = f"{place}: {word}"
    path_text, is_in_database, name = word.partition(_OF)
    studies = own.root.parent
    found = _path_of(path_text, [studies, *places])
    if path_text == own.name if found is None else _is_same(found, own.root):
        raise UserError(f"{place}: is this study itself. Name an earlier one.")
    if found is None:
        known = [each.name for each in studies_in(studies) if each != own]
        remedy = did_you_mean(path_text, known) if known else "Correct it, or leave it out."
        raise UserError(f"{place}: is no study in {studies}, no folder and no file. {remedy}")
    folder = StudyFolder(found)
    if found.is_file():
        folder = StudyFolder(found.parent)
        # its database may lag behind its events
        if found.name != folder.db.name or not folder.events.is_file():
            return read_database(found, name, f"{place.removesuffix(f'{_OF}{name}')}")
        if _is_same(folder.root, own.root):
            raise UserError(f"{place}: is this study itself. Name an earlier one.")
    elif is_in_database:
        raise UserError(f"{place}: is a folder of one study. Leave out {_OF}{name}.")
    return _read_ours(folder, place)


def _path_of(text: str, places: Sequence[Path]) -> Path | None:
    """The file or the folder of a study that a text names; else a folder that is none."""
    candidates = [place / text for place in places] if text else []
    # a name that no file can have
    with contextlib.suppress(OSError, ValueError):
        studies = (each for each in candidates if each.is_file() or is_study(StudyFolder(each)))
        folders = (each for each in candidates if each.is_dir())
        return next(studies, None) or next(folders, None)
    return None


def _is_same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _read_ours(folder: StudyFolder, place: str) -> EarlierStudy:
    check_readable(folder.root)
    if not folder.events.is_file():
        raise UserError(f"{place}: is no folder of a study. Name one that has an events.jsonl.")
    try:
        record = study_record(recorded_study(folder), "")
    except NONSENSE as error:
        raise StorageError(
            f"{folder.root}: {corrupt_data_message(error)}. Restore its events from a copy."
        ) from error
    if record.is_multi_objective:
        raise UserError(f"{place}: {SEVERAL_OBJECTIVES}")
    trials = finished_records(record.trials)
    return EarlierStudy(record.direction, trials, str(folder.root.resolve()))
