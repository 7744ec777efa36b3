"""A SQLite file, looked at before it is opened for writing, which would make it or change it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from search.errors import StorageError, printable
from search.layout import StudyFolder

# what Optuna 3.2 to 5.x write
SCHEMA = "v3.2.0.a"
_MAGIC = b"SQLite format 3\x00"
# of a database the file itself, its logs and its journal
BESIDE_SQLITE = ("", "-wal", "-shm", "-journal")

Query = Callable[[str], list[tuple[Any, ...]]]


def look_at_sqlite(path: Path) -> None:
    """Make sure that a file is a database of Optuna's that can be read, without writing to it.

    Raises:
        StorageError: it is something else, or damaged.
    """
    if path.is_dir():
        raise StorageError(f"{path}: is a folder, not a study database. Move it out of the way.")
    with path.open("rb") as file:
        start = file.read(16)
    if not start:
        remedy = _remedy(path, "Delete it to start anew.")
        raise StorageError(f"{path}: is empty, not a study database. {remedy}")
    if start != _MAGIC:
        remedy = _remedy(path, "Move it out of the way.")
        raise StorageError(f"{path}: is not a SQLite database. {remedy}")
    with _sqlite(path) as query:
        tables = {row[0] for row in query("SELECT name FROM sqlite_master")}
        if not {"studies", "trials", "alembic_version"} <= tables:
            raise StorageError(f"{path}: is a database of another program. Name another place.")
        check_schema(path, query)
        damage = [row[0] for row in query("PRAGMA quick_check(1)")]
        if damage != ["ok"]:
            raise sqlite3.DatabaseError(damage[0].splitlines()[-1])


def check_schema(place: Path | str, query: Query) -> None:
    """Make sure that the tables of a database are those that this program writes.

    Raises:
        StorageError: they are those of another version of Optuna.
    """
    versions = {row[0] for row in query("SELECT version_num FROM alembic_version")}
    if versions != {SCHEMA}:
        found = ", ".join(map(str, versions)) or "none"
        raise StorageError(
            f"{place}: its database has schema {found}, not {SCHEMA}. "
            "Run `optuna storage upgrade` on it, or update lightning-search."
        )


def remove_sqlite(path: Path) -> None:
    """Remove a database and what SQLite keeps beside it."""
    for suffix in BESIDE_SQLITE:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextmanager
def _sqlite(path: Path) -> Iterator[Query]:
    address = f"file:{quote(str(path.absolute()))}?mode=ro"
    try:
        with closing(sqlite3.connect(address, uri=True, timeout=30)) as connection:
            yield lambda text: connection.execute(text).fetchall()
    except sqlite3.DatabaseError as error:
        remedy = _remedy(path, "Restore it from a copy.")
        reason = " ".join(str(error).split())
        raise StorageError(f"{path}: cannot be read: {printable(reason, 200)}. {remedy}") from error


def _remedy(path: Path, without_events: str) -> str:
    """The way out of a broken database: its events files, where it is a study's own."""
    if not StudyFolder(path.parent).study_file.is_file():
        return without_events
    return (
        "Make it again from the events of the trials: "
        f"`search rebuild {path.absolute().parent.name}`."
    )
