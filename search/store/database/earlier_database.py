"""A study in a SQLite file, ours or another program's, read for a new one to learn from.

SQLite leaves files beside what it opens, and Optuna writes into it. So the file is copied to a
temporary folder and only the copy is opened: the file itself is neither written nor locked.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy
from optuna.exceptions import OptunaError
from optuna.storages import RDBStorage
from optuna.study import StudyDirection

from search.errors import UserError, printable
from search.plain.wording import did_you_mean, one_of
from search.store.attributes import NONSENSE
from search.store.database.connection import close_database
from search.store.database.lock_wait import root_message
from search.store.database.url import sqlite_url
from search.store.earlier_trials import SEVERAL_OBJECTIVES, EarlierStudy, finished_frozen

_MAGIC = b"SQLite format 3\x00"
# what belongs to the content of a database that nobody has open
_CONTENT = ("", "-wal", "-journal")
_UNREADABLE = (sqlalchemy.exc.SQLAlchemyError, OptunaError, *NONSENSE)


def read_database(path: Path, name: str, place: str) -> EarlierStudy:
    """The study of a name in a SQLite file; the only one where the name is empty.

    Args:
        place: begins every message.

    Raises:
        UserError: the file is no database of Optuna's, has no such study, or several.
    """
    try:
        with tempfile.TemporaryDirectory() as temporary:
            copy = Path(temporary) / "copy.db"
            _copy(path, copy, place)
            with _opened(copy, place) as database:
                return _study_in(database, name, path, place)
    except OSError as error:
        problem = f"{place}: cannot be copied: {error.strerror}. Remove the cause."
        raise UserError(problem) from error


def _copy(path: Path, copy: Path, place: str) -> None:
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise UserError(
                f"{place}: is no SQLite database. Name a study, its folder, or such a file."
            )
    for suffix in _CONTENT:
        content = path.with_name(path.name + suffix)
        if content.is_file():
            shutil.copyfile(content, copy.with_name(copy.name + suffix))


@contextlib.contextmanager
def _opened(copy: Path, place: str) -> Iterator[RDBStorage]:
    try:
        database = RDBStorage(sqlite_url(copy))
    except RuntimeError as error:
        raise UserError(
            f"{place}: is of another version of Optuna. Run `optuna storage upgrade` on a copy of "
            "it, and name that."
        ) from error
    except _UNREADABLE as error:
        raise _unreadable(place, error) from error
    try:
        yield database
    except _UNREADABLE as error:
        raise _unreadable(place, error) from error
    finally:
        close_database(database)


def _unreadable(place: str, error: Exception) -> UserError:
    reason = printable(" ".join(root_message(error).split()), 200).rstrip(".")
    return UserError(f"{place}: cannot be read as a database of Optuna's: {reason}. Name another.")


def _study_in(database: RDBStorage, name: str, path: Path, place: str) -> EarlierStudy:
    studies = [each.study_name for each in database.get_all_studies()]
    if not studies:
        raise UserError(f"{place}: holds no study of Optuna's. Name another file.")
    if name and name not in studies:
        raise UserError(f"{place}: has no study {name}. {did_you_mean(name, studies)}")
    if not name and len(studies) > 1:
        raise UserError(
            f"{place}: holds several studies. Write {place.rpartition(': ')[2]}::NAME. "
            f"{one_of(studies)}"
        )
    name = name or studies[0]
    study_id = database.get_study_id_from_name(name)
    directions = database.get_study_directions(study_id)
    if len(directions) > 1:
        raise UserError(f"{place}: {SEVERAL_OBJECTIVES}")
    # a study that was made and never run has no direction yet
    is_maximized = StudyDirection.MAXIMIZE in directions
    trials = database.get_all_trials(study_id, deepcopy=False)
    return EarlierStudy(
        "maximize" if is_maximized else "minimize",
        finished_frozen(trials),
        f"{path.resolve()}::{name}",
    )
