"""A database that agrees with the events of its study: left as it is where it does, else written
anew. Nothing is ever read from it into the study."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from optuna.storages import RDBStorage

from search.errors import StorageError
from search.plain.whole_files import make_private
from search.store.database.connection import (
    cannot_be_written,
    close_database,
    empty_log,
    open_database,
)
from search.store.database.lock_wait import REFUSALS, BeforeRetry, keep_trying, retry_while_locked
from search.store.database.optuna_rows import is_of_another, row_differences, write_anew
from search.store.database.sqlite_file import BESIDE_SQLITE, look_at_sqlite, remove_sqlite
from search.store.database.url import shown_url, sqlite_url
from search.store.events.optuna_trials import OptunaStudy


@dataclass(frozen=True)
class Agreeing:
    """A database, open, that agrees with the events."""

    database: RDBStorage
    # it was written anew
    is_anew: bool
    # where the file before was put, if there was one
    before: Path | None = None


def own_database(
    path: Path, study: OptunaStudy, before_retry: BeforeRetry = keep_trying
) -> Agreeing:
    """Open the database in a study's folder, which holds nothing else.

    Args:
        before_retry: called while another program locks it.

    Raises:
        StorageError: it cannot be opened or written.
    """
    url = sqlite_url(path)
    if path.exists():
        database = open_database(url, before_retry)
        if not _differences(database, study, before_retry):
            return Agreeing(database, is_anew=False)
        close_database(database)
    before = replace_own(path, study)
    return Agreeing(open_database(url, before_retry), is_anew=True, before=before)


def replace_own(path: Path, study: OptunaStudy) -> Path | None:
    """Put a new database in the place of a study's own; returns where the one before was put.

    Raises:
        StorageError: it cannot be written.
    """
    temporary = path.with_name(".study.db.rebuilt")
    remove_sqlite(temporary)
    make_private(temporary)
    database = open_database(sqlite_url(temporary))
    try:
        write_anew(database.engine, study)
        empty_log(database)
    except REFUSALS as error:
        raise cannot_be_written(sqlite_url(path), error) from error
    finally:
        close_database(database)
    before = _put_aside(path)
    temporary.replace(path)
    return before


def shared_database(
    url: str, study: OptunaStudy, before_retry: BeforeRetry = keep_trying
) -> Agreeing:
    """Open a database that may hold other studies, which are left alone.

    Raises:
        StorageError: it cannot be opened or written, or has another study of this name.
    """
    database = open_database(url, before_retry)
    if not _differences(database, study, before_retry):
        return Agreeing(database, is_anew=False)

    def write() -> bool:
        if is_of_another(database.engine, study):
            return False
        write_anew(database.engine, study)
        return True

    try:
        is_written = retry_while_locked(write, before_retry)
    except REFUSALS as error:
        raise cannot_be_written(url, error) from error
    if not is_written:
        close_database(database)
        raise StorageError(
            f"{shown_url(url)}: has another study {study.name}, with other trials. Name another "
            "database, or remove it there with `optuna delete-study`."
        )
    return Agreeing(database, is_anew=True)


def own_differences(path: Path, study: OptunaStudy) -> list[str]:
    """One line for each thing in which a study's own database differs from its events.

    Raises:
        StorageError: it cannot be read.
    """
    look_at_sqlite(path)
    database = open_database(sqlite_url(path))
    try:
        return _differences(database, study, keep_trying)
    finally:
        close_database(database)


def _differences(database: RDBStorage, study: OptunaStudy, before_retry: BeforeRetry) -> list[str]:
    try:
        return retry_while_locked(lambda: row_differences(database.engine, study), before_retry)
    except REFUSALS as error:
        raise cannot_be_written(database.url, error) from error


def _put_aside(path: Path) -> Path | None:
    """Keep a database and what SQLite has beside it under another name, which is returned.

    SQLite would replay a log that an earlier database left into the next file of its name, so it
    is moved where the database itself is lost, too. The database stays until another takes its
    place: in a moment without one, a program that looks at it would make an empty one.
    """
    if not any(_beside(path, suffix).exists() for suffix in BESIDE_SQLITE):
        return None
    number = 1
    while any(_beside(path, f".before-{number}{suffix}").exists() for suffix in BESIDE_SQLITE):
        number += 1
    target = _beside(path, f".before-{number}")
    main, *logs = BESIDE_SQLITE
    for suffix in reversed(logs):
        with contextlib.suppress(FileNotFoundError):
            _beside(path, suffix).replace(_beside(target, suffix))
    with contextlib.suppress(FileNotFoundError):
        _second_name(_beside(path, main), _beside(target, main))
    return target if target.exists() else None


def _second_name(path: Path, target: Path) -> None:
    try:
        target.hardlink_to(path)
    except OSError:
        # a file system without links
        path.replace(target)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
