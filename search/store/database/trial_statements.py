"""What changes of one trial, as rows of Optuna's tables in a transaction that is open.

Through Optuna's object mapper each of these takes four to twelve times as long, on a core that a
trial could use (DECISIONS.md). Knows the tables of `optuna_rows`.
"""

from __future__ import annotations

import json

import sqlalchemy
from optuna.trial import FrozenTrial
from sqlalchemy import Connection, bindparam

from search.store.database.optuna_rows import (
    OF_TRIAL,
    TRIALS,
    add_rows_of,
    as_stored_time,
    empty_rows,
    stored_value,
    table_of,
)

USER_ATTRIBUTES, SYSTEM_ATTRIBUTES = "trial_user_attributes", "trial_system_attributes"
_REPORTS, _VALUES = "trial_intermediate_values", "trial_values"
_TABLES = {name: table_of(name, ("trial_id", *columns)) for name, columns in OF_TRIAL.items()}
# statements are compiled once where they are the same objects
_INSERTS = {name: sqlalchemy.insert(rows) for name, rows in _TABLES.items()}
_DELETES = {
    name: sqlalchemy.delete(rows).where(
        rows.c.trial_id == bindparam("of_trial"),
        rows.c[OF_TRIAL[name][0]] == bindparam("of_key"),
    )
    for name, rows in _TABLES.items()
}
_INSERT_TRIAL = sqlalchemy.insert(TRIALS)
_UPDATE_TRIAL = sqlalchemy.update(TRIALS).where(TRIALS.c.trial_id == bindparam("of_trial"))
_NEWEST_TRIAL = sqlalchemy.select(sqlalchemy.func.max(TRIALS.c.trial_id)).where(
    TRIALS.c.study_id == bindparam("of_study"), TRIALS.c.number == bindparam("of_number")
)


def insert_trial(connection: Connection, study_id: int, trial: FrozenTrial) -> int:
    """Write a new trial with all that it has; returns its key."""
    times = {
        "datetime_start": as_stored_time(trial.datetime_start),
        "datetime_complete": as_stored_time(trial.datetime_complete),
    }
    row = {"study_id": study_id, "number": trial.number, "state": trial.state.name, **times}
    connection.execute(_INSERT_TRIAL, row)
    found = connection.execute(_NEWEST_TRIAL, {"of_study": study_id, "of_number": trial.number})
    trial_id: int = found.scalar_one()
    rows = empty_rows()
    add_rows_of(trial, rows, {})
    for name, columns in OF_TRIAL.items():
        told = [dict(zip(columns, each, strict=True)) for _, *each in rows[name]]
        if told:
            connection.execute(_INSERTS[name], [{"trial_id": trial_id, **each} for each in told])
    return trial_id


def write_state(
    connection: Connection, trial_id: int, trial: FrozenTrial, *, replaces: bool
) -> None:
    """Write the state of a trial, its times, and the values that it has.

    Args:
        replaces: whether there may be values of it.
    """
    row = {
        "of_trial": trial_id,
        "state": trial.state.name,
        "datetime_start": as_stored_time(trial.datetime_start),
        "datetime_complete": as_stored_time(trial.datetime_complete),
    }
    connection.execute(_UPDATE_TRIAL, row)
    for objective, value in enumerate(trial.values or ()):
        values = (objective, *stored_value(value))
        _write(connection, _VALUES, trial_id, values, replaces=replaces)


def write_report(
    connection: Connection, trial_id: int, step: int, value: float, *, replaces: bool
) -> None:
    """Write an intermediate value.

    Args:
        replaces: whether there is one of that step.
    """
    _write(connection, _REPORTS, trial_id, (step, *stored_value(value)), replaces=replaces)


def write_attribute(
    connection: Connection, kind: str, trial_id: int, key: str, value: object
) -> None:
    """Write an attribute of a trial, in the place of one of that key: another tool may have
    written one.

    Args:
        kind: its table, `USER_ATTRIBUTES` or `SYSTEM_ATTRIBUTES`.
    """
    _write(connection, kind, trial_id, (key, json.dumps(value)), replaces=True)


def _write(
    connection: Connection, name: str, trial_id: int, row: tuple[object, ...], *, replaces: bool
) -> None:
    """Write a row whose first column is its key within the trial. Each kind of database has its
    own words to replace one; all know these two statements."""
    if replaces:
        connection.execute(_DELETES[name], {"of_trial": trial_id, "of_key": row[0]})
    told = dict(zip(OF_TRIAL[name], row, strict=True))
    connection.execute(_INSERTS[name], {"trial_id": trial_id, **told})
