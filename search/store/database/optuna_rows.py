"""The rows of one study in Optuna's tables: compared with what the events say, and written anew.

Through Optuna's own storage ten thousand trials take minutes; here they are a few statements.
Knows the tables of schema v3.2.0.a, which is checked before a database is opened.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy
from optuna.distributions import distribution_to_json
from optuna.trial import FrozenTrial
from sqlalchemy import Connection, DateTime, Engine, TableClause, column, table

from search.store.events.optuna_trials import OptunaStudy

_STUDIES = table("studies", column("study_id"), column("study_name"))
TRIALS = table(
    "trials",
    column("trial_id"),
    column("study_id"),
    column("number"),
    column("state"),
    column("datetime_start", DateTime),
    column("datetime_complete", DateTime),
)
# the columns of what belongs to a study or to a trial, without their own key
_OF_STUDY = {
    "study_directions": ("objective", "direction"),
    "study_user_attributes": ("key", "value_json"),
    "study_system_attributes": ("key", "value_json"),
}
OF_TRIAL = {
    "trial_params": ("param_name", "param_value", "distribution_json"),
    "trial_values": ("objective", "value", "value_type"),
    "trial_intermediate_values": ("step", "intermediate_value", "intermediate_value_type"),
    "trial_user_attributes": ("key", "value_json"),
    "trial_system_attributes": ("key", "value_json"),
}
_HEARTBEATS = "trial_heartbeats"
_FINITE = "FINITE"

Row = tuple[Any, ...]
# by table, each row once and in its order, as Optuna reads it back; rows of a trial begin with its
# number
Rows = dict[str, dict[Row, None]]


def row_differences(engine: Engine, study: OptunaStudy) -> list[str]:
    """One line for each thing in which a database differs from the study; none where it agrees.

    Raises:
        SQLAlchemyError: the database cannot be read.
    """
    with engine.connect() as connection:
        study_id = _study_id(connection, study.name)
        if study_id is None:
            return ["the study is missing"]
        stored = _stored_rows(connection, study_id)
    told = _rows_of(study)
    lines = [f"the study: {name}" for name in _OF_STUDY if _differing(name, stored, told)]
    for name in ("trials", *OF_TRIAL):
        numbers = {row[0] for row in _differing(name, stored, told)}
        lines += [f"trial {number}: {name}" for number in sorted(numbers)]
    return lines


def _differing(name: str, stored: Rows, told: Rows) -> set[Row]:
    """The rows of a table that only one side has."""
    if name.endswith("_attributes"):
        # another tool may add its own, such as the notes of optuna-dashboard
        return told[name].keys() - stored[name].keys()
    return stored[name].keys() ^ told[name].keys()


def has_study(engine: Engine, name: str) -> bool:
    """Whether the database has a study of this name."""
    with engine.connect() as connection:
        return _study_id(connection, name) is not None


def is_of_another(engine: Engine, study: OptunaStudy) -> bool:
    """Whether the database has a study of this name whose trials are others."""
    name = "trial_params"
    with engine.connect() as connection:
        study_id = _study_id(connection, study.name)
        if study_id is None:
            return False
        stored = _values_by_place(_rows_in(connection, name, study_id))
    told = _values_by_place(_rows_of(study)[name])
    return any(stored[place] != told[place] for place in stored.keys() & told.keys())


def write_anew(engine: Engine, study: OptunaStudy) -> None:
    """Replace the study of this name, or make it, in one transaction.

    Raises:
        SQLAlchemyError: the database refuses.
    """
    told = _rows_of(study)
    with engine.begin() as connection:
        study_id = _study_id(connection, study.name)
        if study_id is None:
            connection.execute(sqlalchemy.insert(_STUDIES), {"study_name": study.name})
            study_id = _study_id(connection, study.name)
        else:
            _delete(connection, study_id)
        for name, of_study in _OF_STUDY.items():
            _insert(connection, name, ("study_id", *of_study), _under(study_id, told[name]))
        _insert_trials(connection, study_id, study.trials)
        ids = _trial_ids(connection, study_id)
        for name, of_trial in OF_TRIAL.items():
            rows = ((ids[number], *row) for number, *row in told[name])
            _insert(connection, name, ("trial_id", *of_trial), rows)


def trial_ids(engine: Engine, name: str) -> dict[int, int]:
    """The key of each trial of a study in the database, by its number."""
    with engine.connect() as connection:
        return _trial_ids(connection, _study_id(connection, name))


def stored_value(value: float) -> tuple[float | None, str]:
    """A number as Optuna's tables hold it: those that SQL has not stand beside a null."""
    if math.isnan(value):
        return None, "NAN"
    if math.isinf(value):
        return None, "INF_POS" if value > 0 else "INF_NEG"
    return value, _FINITE


def empty_rows() -> Rows:
    """No rows of any table."""
    return {name: {} for name in ("trials", *_OF_STUDY, *OF_TRIAL)}


def _rows_of(study: OptunaStudy) -> Rows:
    rows = empty_rows()
    directions = ((place, direction.name) for place, direction in enumerate(study.directions))
    rows["study_directions"] = dict.fromkeys(directions)
    rows["study_user_attributes"] = dict.fromkeys(_as_json(study.user_attributes))
    rows["study_system_attributes"] = dict.fromkeys(_as_json(study.system_attributes))
    distributions: dict[int, str] = {}
    for trial in study.trials:
        add_rows_of(trial, rows, distributions)
    return rows


def add_rows_of(trial: FrozenTrial, rows: Rows, distributions: dict[int, str]) -> None:
    """Add the rows of a trial.

    Args:
        distributions: the JSON of those that were met, by their identity: all trials share them.
    """
    number = trial.number
    rows["trials"][(number, trial.state.name)] = None
    for path, distribution in trial.distributions.items():
        text = distributions.get(id(distribution))
        if text is None:
            text = distributions[id(distribution)] = distribution_to_json(distribution)
        value = distribution.to_internal_repr(trial.params[path])
        rows["trial_params"][(number, path, value, text)] = None
    for objective, value in enumerate(trial.values or ()):
        rows["trial_values"][(number, objective, *stored_value(value))] = None
    for step, value in trial.intermediate_values.items():
        rows["trial_intermediate_values"][(number, step, *stored_value(value))] = None
    for key, text in _as_json(trial.user_attrs):
        rows["trial_user_attributes"][(number, key, text)] = None
    for key, text in _as_json(trial.system_attrs):
        rows["trial_system_attributes"][(number, key, text)] = None


def _as_json(attributes: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Attributes as Optuna writes them."""
    return ((key, json.dumps(value)) for key, value in attributes.items())


def _values_by_place(params: Iterable[Row]) -> dict[Row, object]:
    return {(number, path): value for number, path, value, _ in params}


def _study_id(connection: Connection, name: str) -> int | None:
    query = sqlalchemy.select(_STUDIES.c.study_id).where(_STUDIES.c.study_name == name)
    found: int | None = connection.execute(query).scalar()
    return found


def _trial_ids(connection: Connection, study_id: int | None) -> dict[int, int]:
    query = sqlalchemy.select(TRIALS.c.number, TRIALS.c.trial_id)
    rows = connection.execute(query.where(TRIALS.c.study_id == study_id))
    return {row.number: row.trial_id for row in rows}


def _stored_rows(connection: Connection, study_id: int) -> Rows:
    query = sqlalchemy.select(TRIALS.c.number, TRIALS.c.state)
    trials = connection.execute(query.where(TRIALS.c.study_id == study_id))
    rows: Rows = {"trials": {tuple(row): None for row in trials}}
    for name, of_study in _OF_STUDY.items():
        rows_of = table_of(name, ("study_id", *of_study))
        query = sqlalchemy.select(*(rows_of.c[each] for each in of_study))
        found = connection.execute(query.where(rows_of.c.study_id == study_id))
        rows[name] = {tuple(row): None for row in found}
    for name in OF_TRIAL:
        rows[name] = _rows_in(connection, name, study_id)
    return rows


def _rows_in(connection: Connection, name: str, study_id: int) -> dict[Row, None]:
    columns = OF_TRIAL[name]
    rows_of = table_of(name, ("trial_id", *columns))
    query = sqlalchemy.select(TRIALS.c.number, *(rows_of.c[each] for each in columns))
    query = query.join_from(rows_of, TRIALS, TRIALS.c.trial_id == rows_of.c.trial_id)
    found = connection.execute(query.where(TRIALS.c.study_id == study_id))
    return {tuple(row): None for row in found}


def _delete(connection: Connection, study_id: int) -> None:
    """Delete what belongs to a study, but for its own row."""
    trials = sqlalchemy.select(TRIALS.c.trial_id).where(TRIALS.c.study_id == study_id)
    for name in (*OF_TRIAL, _HEARTBEATS):
        rows_of = table_of(name, ("trial_id",))
        connection.execute(sqlalchemy.delete(rows_of).where(rows_of.c.trial_id.in_(trials)))
    for name in ("trials", *_OF_STUDY):
        rows_of = table_of(name, ("study_id",))
        connection.execute(sqlalchemy.delete(rows_of).where(rows_of.c.study_id == study_id))


def _insert_trials(connection: Connection, study_id: int | None, trials: list[FrozenTrial]) -> None:
    rows = [
        {
            "study_id": study_id,
            "number": trial.number,
            "state": trial.state.name,
            "datetime_start": as_stored_time(trial.datetime_start),
            "datetime_complete": as_stored_time(trial.datetime_complete),
        }
        for trial in trials
    ]
    if rows:
        connection.execute(sqlalchemy.insert(TRIALS), rows)


def _insert(
    connection: Connection, name: str, columns: tuple[str, ...], rows: Iterable[Row]
) -> None:
    given = [dict(zip(columns, row, strict=True)) for row in rows]
    if given:
        connection.execute(sqlalchemy.insert(table_of(name, columns)), given)


def _under(study_id: int | None, rows: Iterable[Row]) -> Iterator[Row]:
    return ((study_id, *row) for row in rows)


def table_of(name: str, columns: Iterable[str]) -> TableClause:
    """A table with those of its columns that are needed."""
    return table(name, *(column(each) for each in columns))


def as_stored_time(time: datetime | None) -> datetime | None:
    """Optuna's local time without a zone as its tables hold it."""
    return None if time is None else time.astimezone(UTC).replace(tzinfo=None)
