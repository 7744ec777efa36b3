"""Addresses of databases, as a user or a study folder gives them: checked, and shown without what
is secret in them."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import sqlalchemy
from sqlalchemy import URL

from search.errors import StorageError
from search.layout import StudyFolder
from search.plain.secrets import HIDDEN

_REMEDY = "Write it as postgresql+psycopg://user@host/database."
_HOST = re.compile(r"[\w.-]*|[0-9A-Fa-f:.]+(%\w+)?")
_SECRET_OPTION = re.compile(r"pass|pw|secret|token|key", re.IGNORECASE)


def address_of(folder: StudyFolder, given: str | None) -> str | None:
    """The URL of a study's database: the `given` one or the study's own; None for its `study.db`.

    Raises:
        StorageError: it is no address of a database.
    """
    if given is not None:
        return checked_url(given, "--storage")
    place = folder.storage
    if not place.is_file():
        return None
    try:
        url = checked_url(place.read_text("utf-8").strip(), str(place))
    except UnicodeDecodeError as error:
        raise StorageError(f"{place}: is no UTF-8 text. Give the URL with --storage.") from error
    if (path := sqlite_path(url)) is not None:
        raise StorageError(
            f"{place}: names the SQLite file {path}, which only --storage may. Remove {place.name}."
        )
    return url


def checked_url(text: str, place: str) -> str:
    """The text, if it is the URL of a database that SQLAlchemy knows.

    Raises:
        StorageError: it is not; the message begins with `place` and repeats nothing of a text
            whose parts are not known, because any of them may be a password.
    """
    try:
        url = sqlalchemy.make_url(text)
        with contextlib.suppress(ImportError):  # a missing driver is told when it is used
            url.get_dialect()
    except (sqlalchemy.exc.ArgumentError, ValueError) as error:
        raise StorageError(f"{place}: not a database URL. {_REMEDY}") from error
    if url.get_backend_name() == "sqlite":
        if url.username or url.password or url.host or url.port or url.query or not url.database:
            raise StorageError(
                f"{place}: sqlite:// takes the path of a file and nothing else. "
                "Write it as sqlite:///folder/study.db."
            )
    elif re.search(r"\s", text):
        # what ends at a blank could not be hidden whole
        raise StorageError(f"{place}: not a database URL, it has a blank. Write it as %20.")
    elif not _HOST.fullmatch(url.host or ""):
        raise StorageError(
            f"{place}: not a database URL, its host is none. Write an @ or a / of the password as "
            "%40 or %2F."
        )
    return text


def sqlite_url(path: Path) -> str:
    """The SQLAlchemy URL of a SQLite file."""
    return f"sqlite:///{path.absolute()}"


def sqlite_path(url: str) -> Path | None:
    """The file of a SQLite URL; None for another database."""
    parsed = sqlalchemy.make_url(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def shown_url(url: str) -> str:
    """The URL for messages: its password and the values of its options are hidden."""
    parsed = sqlalchemy.make_url(url)
    hidden = parsed.set(query=dict.fromkeys(parsed.query, HIDDEN))
    return hidden.render_as_string(hide_password=True).replace("%2A%2A%2A", HIDDEN)


def stored_url(url: str) -> str:
    """The URL for a study's folder: without its password and options that may hold one."""
    parsed = sqlalchemy.make_url(url)
    plain = {key: each for key, each in parsed.query.items() if not _SECRET_OPTION.search(key)}
    address = URL.create(
        parsed.drivername,
        parsed.username,
        host=parsed.host,
        port=parsed.port,
        database=parsed.database,
        query=plain,
    )
    return address.render_as_string(hide_password=False)


def without_secrets(text: str, url: str) -> str:
    """A message of a database driver without what is secret in the URL."""
    parsed = sqlalchemy.make_url(url)
    values = [parsed.password, *parsed.query.values()]
    for secret in sorted({str(value) for value in values if value}, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text
