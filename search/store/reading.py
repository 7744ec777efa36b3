"""Reading studies back: straight from the tables of Optuna's database, without Optuna.

Importing Optuna and opening its storage takes most of a second, reading the tables a hundredth.
The queries are those of schema v3.2.0.a (Optuna 3.2 to 5.x); another schema is refused.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import NoneType
from typing import Any
from urllib.parse import quote

from search.errors import StorageError, printable
from search.layout import StudyFolder, TrialFolder
from search.space.distributions import Space
from search.store.attributes import (
    NONSENSE,
    STUDY,
    checked,
    shown_of,
    study_attributes,
    told_of_nonsense,
    trial_record,
)
from search.store.lock import is_held
from search.store.records import StudyRecord
from search.store.retention import DiskFloor
from search.store.study_state import workers_seen

_SCHEMA = "v3.2.0.a"
_SQLITE_MAGIC = b"SQLite format 3\x00"
_STUDY = "(SELECT study_id FROM studies WHERE study_name = '{name}')"
_TRIALS = f"(SELECT trial_id FROM trials WHERE study_id = {_STUDY})"

Query = Callable[[str], list[tuple[Any, ...]]]


def read_study(folder: StudyFolder, url: str | None = None) -> StudyRecord:
    """The study of a folder as its database has it now.

    Args:
        url: the database, if it is not the study's own.

    Raises:
        StorageError: there is none, or it cannot be read.
    """
    if url is None and not folder.storage.is_file():
        with _file_queries(folder.db) as query, _understood(folder.db):
            return _study(folder, query, str(folder.db))
    # SQLAlchemy takes long to import, and the common study needs none
    from search.store.database.connection import connected
    from search.store.database.url import address_of, shown_url, sqlite_path

    address = str(address_of(folder, url))
    if (path := sqlite_path(address)) is not None:
        if url is not None and not path.exists():
            raise _no_such_database(folder, url, path)
        with _file_queries(path) as query, _understood(path):
            return _study(folder, query, str(path))
    with connected(address) as query, _understood(folder.root):
        _check_schema(folder.root, query)
        return _study(folder, query, shown_url(address))


def studies_in(root: Path) -> list[StudyFolder]:
    """The folders below `root` that hold a study, by name."""
    return [folder for folder in folders_in(root) if is_study(folder)]


def folders_in(root: Path) -> list[StudyFolder]:
    """The folders below `root`, by name, whether they hold a study or not."""
    if not root.is_dir():
        return []
    return [StudyFolder(path) for path in sorted(root.iterdir()) if path.is_dir()]


def is_study(folder: StudyFolder) -> bool:
    """Whether a folder holds a study, be its database there or not."""
    try:
        return any(path.is_file() for path in (folder.db, folder.storage, folder.study_file))
    except OSError:
        return False  # a name that no file can have


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
    if start != _SQLITE_MAGIC:
        remedy = _remedy(path, "Move it out of the way.")
        raise StorageError(f"{path}: is not a SQLite database. {remedy}")
    with _sqlite(path) as query:
        tables = {row[0] for row in query("SELECT name FROM sqlite_master")}
        if not {"studies", "trials", "alembic_version"} <= tables:
            raise StorageError(f"{path}: is a database of another program. Name another place.")
        _check_schema(path, query)
        damage = [row[0] for row in query("PRAGMA quick_check(1)")]
        if damage != ["ok"]:
            raise sqlite3.DatabaseError(damage[0].splitlines()[-1])


@contextmanager
def _file_queries(path: Path) -> Iterator[Query]:
    if not path.exists():
        remedy = _remedy(path, "Run `search status` to see all studies.")
        raise StorageError(f"{path}: is missing. {remedy}")
    look_at_sqlite(path)
    with _sqlite(path) as query:
        yield query


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


@contextmanager
def _understood(place: Path) -> Iterator[None]:
    """Whatever a database says that no study writes is one line for its reader."""
    try:
        yield
    except NONSENSE as error:
        raise StorageError(
            f"{place}: {told_of_nonsense(error)}. {_remedy(place, 'Restore a copy.')}"
        ) from error
    except RecursionError as error:
        raise StorageError(f"{place}: is nested too deep. Restore a copy.") from error


def _no_such_database(folder: StudyFolder, url: str, path: Path) -> StorageError:
    """What a user is told who names a SQLite file that is not there for a study that is."""
    remedy = "Name the one that it was begun with"
    if folder.db.exists():
        remedy = f"It keeps its own in {folder.db}: leave --storage out"
    elif folder.storage.is_file():
        remedy = f"Its own is named in {folder.storage}: leave --storage out"
    return StorageError(
        f"--storage: there is no {path}, and the study {folder.name} was begun before. {remedy}, "
        "or make it from the events of the trials: "
        f"`search rebuild {folder.name} --storage {url}`."
    )


def _remedy(path: Path, otherwise: str) -> str:
    """What helps with a broken database: its events files, where it is a study's own."""
    if not StudyFolder(path.parent).study_file.is_file():
        return otherwise
    return (
        "Make it again from the events of the trials: "
        f"`search rebuild {path.absolute().parent.name}`."
    )


def _check_schema(place: Path, query: Query) -> None:
    versions = {row[0] for row in query("SELECT version_num FROM alembic_version")}
    if versions != {_SCHEMA}:
        found = ", ".join(map(str, versions)) or "none"
        raise StorageError(
            f"{place}: its database has schema {found}, not {_SCHEMA}. "
            "Run `optuna storage upgrade` on it, or update lightning-search."
        )


def _study(folder: StudyFolder, query: Query, storage: str) -> StudyRecord:
    # a folder's name was checked when the study was made; quotes can still not end the literal
    name = folder.name.replace("'", "''")

    def rows(text: str) -> list[tuple[Any, ...]]:
        return query(text.replace("{name}", name))

    attributes = {
        key: json.loads(value)
        for key, value in rows(
            f"SELECT key, value_json FROM study_user_attributes WHERE study_id = {_STUDY}"
        )
    }
    if STUDY not in attributes:
        remedy = _remedy(folder.db, "Give its database with --storage.")
        raise StorageError(f"{folder.root}: its database has no study {folder.name}. {remedy}")
    study = study_attributes(attributes[STUDY])
    params = _by_trial(rows, "param_name, param_value, distribution_json", "trial_params")
    values = _by_trial(rows, "objective, value, value_type", "trial_values")
    curves = _by_trial(
        rows, "step, intermediate_value, intermediate_value_type", "trial_intermediate_values"
    )
    attrs = _by_trial(rows, "key, value_json", "trial_user_attributes")
    distributions: dict[str, dict[str, Any]] = {}
    trials = [
        trial_record(
            number=number,
            state=state,
            params=_in_order(study.space, params[trial_id], distributions),
            values=[_number(value, kind) for _, value, kind in sorted(values[trial_id])],
            curve={
                checked(step, int): _number(value, kind) for step, value, kind in curves[trial_id]
            },
            attributes={key: json.loads(text) for key, text in attrs[trial_id]},
            outcome_constraints=study.outcome_constraints,
            folder=folder.root,
        )
        for trial_id, number, state in rows(
            f"SELECT trial_id, number, state FROM trials WHERE study_id = {_STUDY} ORDER BY number"
        )
    ]
    record = StudyRecord(
        name=folder.name,
        folder=folder.root,
        storage=storage,
        **shown_of(study),
        trials=tuple(trials),
        is_running=is_held(folder.lock),
    )
    return _seen_running(record) if record.is_running else record


def _seen_running(record: StudyRecord) -> StudyRecord:
    """With what only a study that runs has: when it was read, and why it is paused if it is."""
    now = datetime.now(UTC)
    if any(attempt.ended is None for trial in record.trials for attempt in trial.attempts):
        return replace(record, read_at=now)
    floor = DiskFloor(StudyFolder(record.folder), workers_seen(record))
    for trial in record.trials:
        floor.learn(TrialFolder(trial.folder))
        floor.expect(trial.parameters)
    return replace(record, read_at=now, paused=floor.missing())


def _by_trial(rows: Query, columns: str, table: str) -> defaultdict[int, list[tuple[Any, ...]]]:
    grouped: defaultdict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for trial_id, *rest in rows(
        f"SELECT trial_id, {columns} FROM {table} WHERE trial_id IN {_TRIALS}"
    ):
        grouped[trial_id].append(tuple(rest))
    return grouped


def _in_order(
    space: Space, rows: list[tuple[Any, ...]], seen: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """The parameters of a trial in the order of the study file; the database has none."""
    params = {path: _param(value, text, seen) for path, value, text in rows}
    known = [path for path in space if path in params]
    return {path: params[path] for path in [*known, *(p for p in params if p not in space)]}


def _param(value: float, text: str, seen: dict[str, dict[str, Any]]) -> Any:
    """A parameter from Optuna's internal form: numbers as they are, choices by their index."""
    distribution = seen.get(text)
    if distribution is None:
        distribution = seen[text] = json.loads(text)
    kind, details = distribution["name"], distribution["attributes"]
    checked(value, float, int)
    if kind == "CategoricalDistribution":
        return checked(details["choices"][int(value)], str, int, float, bool, NoneType)
    return int(value) if kind == "IntDistribution" else float(value)


def _number(value: float | None, kind: Any) -> float:
    """Optuna stores what SQL has no number for beside a null."""
    names = {"INF_POS": float("inf"), "INF_NEG": float("-inf"), "NAN": float("nan")}
    number = float("nan") if value is None else float(checked(value, float, int))
    return names.get(str(kind), number)
