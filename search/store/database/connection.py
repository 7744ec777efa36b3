"""Opening the Optuna database: looked at before it is opened, written by one process.

Knows SQLAlchemy URLs and SQLite files; does not know what a trial is.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy
from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage

from search.errors import StorageError
from search.plain.installing import install_line
from search.store.database.lock_wait import (
    BeforeRetry,
    keep_trying,
    retry_while_locked,
    root_message,
)
from search.store.database.url import shown_url, sqlite_path, without_secrets
from search.store.placement import is_on_network

# a lock is waited for here, in short turns, so that a signal is noticed meanwhile
_LOCK_TIMEOUT_S = 1


def open_database(url: str, before_retry: BeforeRetry = keep_trying) -> RDBStorage:
    """Open the database for writing, making its tables where it is new.

    Args:
        before_retry: called while another program locks it.

    Raises:
        StorageError: the URL, its driver, or what it leads to cannot be used.
    """
    try:
        storage = retry_while_locked(
            lambda: RDBStorage(url, engine_kwargs=_engine_settings(url)), before_retry
        )
    except RuntimeError as error:
        raise StorageError(
            f"{shown_url(url)}: written by another version of Optuna. Run `optuna storage upgrade` "
            "on it, or install the Optuna that wrote it."
        ) from error
    except (sqlalchemy.exc.SQLAlchemyError, ImportError, StorageInternalError) as error:
        raise _cannot_open(url, error) from error
    if url.startswith("sqlite"):
        sqlalchemy.event.listen(storage.engine, "connect", _tuning(url))
        storage.engine.dispose()
    return storage


def close_database(database: RDBStorage) -> None:
    """Close every connection of a database."""
    database.remove_session()
    database.engine.dispose()


def empty_log(database: RDBStorage) -> None:
    """Bring what was written from SQLite's log into the file itself.

    SQLite does so when the last connection is closed, too, but says nothing where it cannot.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: it cannot be written.
    """
    with database.engine.connect() as connection:
        connection.execute(sqlalchemy.text("PRAGMA wal_checkpoint(TRUNCATE)"))


def cannot_be_written(url: str, error: Exception) -> StorageError:
    """What a user is told when the database refuses to take what happened."""
    return StorageError(
        f"{shown_url(url)}: cannot be written: {without_secrets(root_message(error), url)}. "
        "Nothing is lost: remove the cause, then run the same command again."
    )


@contextmanager
def connected(url: str) -> Iterator[Callable[[str], list[tuple[object, ...]]]]:
    """Queries on a database other than SQLite, for reading.

    Raises:
        StorageError: it cannot be reached.
    """
    try:
        engine = sqlalchemy.create_engine(url)
        with engine.connect() as connection:
            yield lambda text: [tuple(row) for row in connection.execute(sqlalchemy.text(text))]
        engine.dispose()
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
        raise _cannot_open(url, error) from error


def _cannot_open(url: str, error: Exception) -> StorageError:
    shown = shown_url(url)
    if isinstance(error, ImportError):
        return StorageError(
            f"--storage: the driver of {shown} is not installed. "
            f"For PostgreSQL: {install_line('postgresql')}."
        )
    reason = without_secrets(root_message(error), url)
    return StorageError(f"{shown}: cannot be opened: {reason}. Check that it runs.")


def _engine_settings(url: str) -> dict[str, object]:
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": _LOCK_TIMEOUT_S}}
    return {"pool_pre_ping": True}


def _tuning(url: str) -> Callable[[Any, Any], None]:
    """The settings of each connection to a SQLite file."""
    path = sqlite_path(url)
    # WAL lets readers in while a study runs; they share memory with the writer, which no two
    # machines do (https://sqlite.org/wal.html), and one of those may open what is on a network
    journal = "DELETE" if path is not None and is_on_network(path) else "WAL"

    def tune(connection: Any, _: Any) -> None:
        connection.execute(f"PRAGMA journal_mode={journal}")
        # a power cut may take the last commits and damages nothing that counts: the events have
        # them, and the next start writes the database anew
        connection.execute("PRAGMA synchronous=NORMAL")

    return tune


class _Chatter(logging.FileHandler):
    """A log that costs nothing but its lines where the disk is full."""

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Leave the line out; Python's own way would print a traceback over the live view."""


def send_chatter_to(log: Path) -> None:
    """Optuna's own messages go to a file, not into the live view."""
    optuna.logging.disable_default_handler()
    logger = logging.getLogger("optuna")
    if not any(isinstance(handler, _Chatter) for handler in logger.handlers):
        logger.addHandler(_Chatter(log, encoding="utf-8", delay=True))
