"""A study as a pandas table, with the column names of Optuna's own `trials_dataframe`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from search.errors import UserError
from search.plain.installing import install_line
from search.report.data import StudyData
from search.store.records import StudyRecord, TrialRecord

if TYPE_CHECKING:
    from pandas import DataFrame

_ATTRIBUTES = ("cause", "message", "micro_batch", "accumulation", "effective_batch")


def trials_dataframe(record: StudyRecord) -> DataFrame:
    """One row a trial, by number.

    Columns: number, value (values_0, values_1 ... of several objectives), datetime_start,
    datetime_complete (UTC), duration, `params_<path>` in the order of the space,
    user_attrs_cause, _message, _micro_batch, _accumulation and _effective_batch, state. What a
    trial lacks is missing.

    Raises:
        UserError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise UserError(
            f"trials_dataframe: pandas is not installed. Add it: {install_line('pandas')}."
        ) from error
    trials = sorted(record.trials, key=lambda trial: trial.number)
    columns = {
        "number": [trial.number for trial in trials],
        **_values(record, trials),
        "datetime_start": pandas.to_datetime([trial.started for trial in trials], utc=True),
        "datetime_complete": pandas.to_datetime([trial.ended for trial in trials], utc=True),
        "duration": pandas.to_timedelta([trial.duration_s for trial in trials], unit="s"),
    }
    for dimension in StudyData(record).dimensions:
        path = dimension.path
        columns[f"params_{path}"] = [trial.params.get(path) for trial in trials]
    for name in _ATTRIBUTES:
        columns[f"user_attrs_{name}"] = [getattr(trial, name) for trial in trials]
    columns["state"] = [trial.state for trial in trials]
    return pandas.DataFrame(columns)


def _values(record: StudyRecord, trials: Sequence[TrialRecord]) -> dict[str, list[float | None]]:
    if not record.is_multi_objective:
        return {"value": [trial.value for trial in trials]}
    return {
        f"values_{index}": [trial.values[index] if trial.values else None for trial in trials]
        for index in range(len(record.objectives))
    }
