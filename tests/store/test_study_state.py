"""What a study does and how long it took: one answer for terminal, JSON and report."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from report.records import START, realistic, study, trial

from search.engine.ledger import Outcome
from search.engine.opening import open_ledger, plan
from search.layout import StudyFolder
from search.plain.formats import format_duration
from search.report.data import StudyData
from search.report.summary import summarise
from search.store.lock import StudyLock
from search.store.reading import read_study
from search.store.records import AttemptRecord, StudyRecord
from search.study_file.load import parse_study_tree
from search.view.study_table import print_status, status_json


def ran(number: int, begin_s: float, end_s: float | None, state: str = "COMPLETE", **more: object):
    """A trial that ran from `begin_s` to `end_s` seconds after the start."""
    started = START + timedelta(seconds=begin_s)
    ended = None if end_s is None else START + timedelta(seconds=end_s)
    cause = {"COMPLETE": "done", "FAIL": "error", "PRUNED": "pruned"}.get(state)
    attempt = AttemptRecord(1, 7, "boot", started, ended, cause)
    value = 0.1 if state == "COMPLETE" else None
    fields = {"started": started, "ended": ended, "attempts": (attempt,), **more}
    return trial(number, state, value, **fields)


PAUSED = "paused: 12 MiB of disk are free"
SEEN = START + timedelta(seconds=100)
failures = [ran(n, n, n + 1, "FAIL") for n in range(5)]
CASES: dict[str, tuple[StudyRecord, str, float | None]] = {
    "new": (study(), "new", None),
    "running": (
        study(ran(0, 0, 10), ran(1, 5, None, "RUNNING"), is_running=True, read_at=SEEN),
        "running",
        100,
    ),
    "paused": (study(ran(0, 0, 10), is_running=True, read_at=SEEN, paused=PAUSED), "paused", 10),
    "finished": (study(ran(0, 0, 10), ran(1, 5, 20, "PRUNED"), n_trials=2), "finished", 20),
    "a night between": (study(ran(0, 0, 10), ran(1, 50_000, 50_010), n_trials=2), "finished", 20),
    "interrupted": (study(ran(0, 0, 10), ran(1, 5, 12, "WAITING"), n_trials=9), "interrupted", 12),
    "cut off": (study(ran(0, 0, 10), ran(1, 5, None, "RUNNING"), n_trials=9), "interrupted", 10),
    "one more waits": (
        study(ran(0, 0, 10), ran(1, 5, 12, "WAITING"), n_trials=1),
        "interrupted",
        12,
    ),
    "without a total": (study(ran(0, 0, 10), n_trials=None), "stopped", 10),
    "every trial failed": (study(*failures[:2], n_trials=2), "failed", 2),
    "failures in a row": (study(ran(9, -5, -1), *failures, n_trials=50), "failed", 9),
    "failures for several causes": (
        study(*failures[:4], ran(4, 4, 5, "FAIL", cause="oom"), n_trials=50),
        "interrupted",
        5,
    ),
    "realistic": (realistic(50), "finished", None),
}


@pytest.mark.parametrize("name", CASES)
def test_terminal_json_and_report_agree_on_state_and_time(name: str) -> None:
    record, state, time_s = CASES[name]
    stream = io.StringIO()
    print_status([record], stream)
    table = stream.getvalue().splitlines()
    told = json.loads(status_json([record]))[0]
    summary = summarise(StudyData(record))
    assert told["state"] == summary.state == state
    assert f"autoencoder   {state} " in table[1]
    assert time_s is None or told["time_s"] == time_s
    assert format_duration(told["time_s"]) == summary.elapsed
    assert f" {summary.elapsed} " in table[1]


def test_a_study_that_waits_for_disk_is_told_to_be_paused(tmp_path: Path) -> None:
    tree = {
        "model": {"class_path": "tiny.Tiny"},
        "objective": {"metric": "val_loss"},
        "space": {"model.init_args.lr": {"float": [1e-3, 1e-1]}},
    }
    folder = StudyFolder(tmp_path / "demo")
    study_file = parse_study_tree(tree, source="demo.yaml", default_name="demo")
    ledger = open_ledger(plan(folder, study_file, None), n_trials=4)
    number = ledger.sample()
    ledger.begin_attempt(number, pid=1)
    # a model of this size needs more disk than any machine has
    ledger.set_resources(number, {"parameters": 10**16, "epoch_time": None, "peak_memory": None})
    lock = StudyLock(folder.lock)
    try:
        assert json.loads(status_json([read_study(folder)]))[0]["state"] == "running"
        ledger.end_attempt(number, Outcome("done", 0.5))
        record = read_study(folder)
    finally:
        lock.release()
    told = json.loads(status_json([record]))[0]
    assert told["state"] == "paused"
    assert told["paused"].startswith("paused: ")
    stream = io.StringIO()
    print_status([record], stream)
    assert "MiB of disk are free" in stream.getvalue()
    assert json.loads(status_json([read_study(folder)]))[0]["state"] == "interrupted"
