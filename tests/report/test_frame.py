"""A study as a pandas table."""

from __future__ import annotations

from search.report.dataframe import trials_dataframe
from search.store.records import ObjectiveRecord
from tests.report.records import LR, study, trial


def test_several_objectives_have_a_column_each() -> None:
    several = (ObjectiveRecord("val_loss", "minimize"), ObjectiveRecord("parameters", "minimize"))
    record = study(
        trial(0, value=0.5, values=(0.5, 70.0)), trial(1, "FAIL", None), objectives=several
    )
    frame = trials_dataframe(record)
    assert list(frame.columns[:4]) == ["number", "values_0", "values_1", "datetime_start"]
    assert frame.loc[0, ["values_0", "values_1"]].tolist() == [0.5, 70.0]
    assert frame.loc[1, ["values_0", "values_1"]].isna().all()
    assert frame[f"params_{LR}"].tolist() == [0.001, 0.002]
