from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest

from search.report.csv_json import export_csv, export_json
from search.space.distributions import Categorical
from tests.report.records import ACCUMULATE, LATENT, LR, START, realistic, study, trial


def table(record):
    return list(csv.DictReader(io.StringIO(export_csv(record))))


def test_csv_columns_are_stable():
    assert export_csv(study()).strip().split(",") == [
        "number", "state", "value", f"params.{LR}", f"params.{LATENT}", f"params.{ACCUMULATE}",
        "micro_batch", "accumulation", "effective_batch", "steps", "parameters", "epoch_time",
        "peak_memory", "infeasible", "started", "ended", "duration_s", "attempts", "cause",
        "message", "folder",
    ]  # fmt: skip


def test_csv_keeps_numbers_exactly():
    row = table(study(trial(0, value=0.1234567890123, params={LR: 3.14e-5})))[0]
    assert float(row["value"]) == 0.1234567890123
    assert float(row[f"params.{LR}"]) == 3.14e-5


def test_csv_leaves_missing_values_empty_and_writes_null_for_a_sampled_null():
    record = study(
        trial(0, "FAIL", None, params={"opt": None}),
        trial(1, params={}),
        space={"opt": Categorical(())},
    )
    first, second = table(record)
    assert (first["value"], first["params.opt"]) == ("", "null")
    assert second["params.opt"] == ""


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1"])
def test_csv_neutralises_text_that_looks_like_a_formula(text):
    row = table(study(trial(0, "FAIL", None, message=text)))[0]
    assert row["message"] == f"'{text.strip()}"


def test_csv_leaves_negative_numbers_alone():
    assert table(study(trial(0, value=-1.5)))[0]["value"] == "-1.5"


def test_csv_writes_times_as_iso_8601():
    record = study(trial(0, started=START, ended=START + timedelta(seconds=90)))
    row = table(record)[0]
    assert row["started"] == "2026-03-02T09:30:00+00:00"
    assert row["duration_s"] == "90.0"


def test_csv_survives_quotes_and_puts_a_message_on_one_line():
    text = 'say "no",\nthen stop'
    message = table(study(trial(0, "FAIL", None, message=text)))[0]["message"]
    assert message == 'say "no", then stop'


def test_json_holds_every_trial_with_curve_and_attempts():
    record = realistic(30)
    tree = json.loads(export_json(record))
    assert [t["number"] for t in tree["trials"]] == list(range(30))
    assert tree["best"] == record.best.number
    assert len(tree["trials"][20]["attempts"]) == 2
    assert tree["space"][LR] == {"kind": "float", "low": 1e-4, "high": 0.1, "log": True,
                                 "step": None}  # fmt: skip


def test_json_writes_null_for_what_json_cannot_say():
    record = study(trial(0, "FAIL", None, curve={1: float("nan")}, params={LR: float("inf")}))
    tree = json.loads(export_json(record), parse_constant=pytest.fail)
    assert tree["trials"][0]["curve"] == [[1, None]]
    assert tree["trials"][0]["params"] == {LR: None}


def test_json_of_an_empty_study_has_no_best():
    tree = json.loads(export_json(study()))
    assert tree["best"] is None
    assert tree["trials"] == []
