"""A study as a table for spreadsheets, or as JSON for programs."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from search.errors import printable, printable_json
from search.report.data import StudyData
from search.space.distributions import Distribution, fields_of
from search.store.records import AttemptRecord, StudyRecord, TrialRecord
from search.study_file.curve_steps import unit_of
from search.study_file.outcome_constraints import RESOURCES

_FIRST = ("number", "state", "value")
_LAST = (
    "micro_batch",
    "accumulation",
    "effective_batch",
    "steps",
    *RESOURCES,
    "infeasible",
    "started",
    "ended",
    "duration_s",
    "attempts",
    "cause",
    "message",
    "folder",
)
# a spreadsheet would take text that begins with one of these for a formula
# (https://owasp.org/www-community/attacks/CSV_Injection)
_FORMULA_STARTS = ("=", "+", "-", "@", *"\uff1d\uff0b\uff0d\uff20")  # and full-width
# where a semicolon separates cells, as in many countries, what follows one begins another
_FORMULA_AFTER_SEPARATOR = re.compile(r"(; ?)(?=[=+\-@])")


def export_csv(record: StudyRecord) -> str:
    """One line a trial, by number.

    Columns: number, state, value; `values.<metric>` of several objectives; `params.<path>` in the
    order of the space; micro_batch, accumulation, effective_batch, steps (validations reported),
    parameters, epoch_time (seconds), peak_memory (bytes), infeasible (the constraints violated),
    started and ended (ISO 8601), duration_s, attempts, cause, message, folder. A missing value is
    an empty cell; values that are not finite read `nan`, `inf`, `-inf`; text is on one line, and
    begins with an apostrophe if a spreadsheet would take it for a formula.
    """
    paths = [dim.path for dim in StudyData(record).dimensions]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    metrics = [f"values.{each.metric}" for each in record.several]
    names = (*_FIRST, *metrics, *(f"params.{path}" for path in paths), *_LAST)
    writer.writerow([_cell(name) for name in names])
    for trial in sorted(record.trials, key=lambda t: t.number):
        fields = _flat(trial)
        params = [trial.params.get(path, "") for path in paths]
        found = trial.values if record.several and trial.values else [""] * len(metrics)
        first, last = (([fields[name] for name in part]) for part in (_FIRST, _LAST))
        writer.writerow([_cell(v) for v in (*first, *found, *map(_param, params), *last)])
    return out.getvalue()


def export_json(record: StudyRecord) -> str:
    """The whole record as JSON, indented; numbers that are not finite are null.

    Keys: name, folder, storage, metric, direction, objectives, outcome_constraints, asked,
    is_running, best (a trial number or null), front (trial numbers), space, settings, steps (what
    those of a curve count: epochs, validations or samples), trials. A trial has the fields of
    `TrialRecord`, its `curve` as pairs of step and value, and `duration_s`; times are ISO 8601.
    """
    tree = {
        "name": record.name,
        "folder": record.folder,
        "storage": record.storage,
        "metric": record.metric,
        "direction": record.direction,
        "objectives": [asdict(each) for each in record.objectives],
        "outcome_constraints": record.outcome_constraints,
        "asked": record.asked,
        "is_running": record.is_running,
        "best": record.best.number if record.best else None,
        "front": [trial.number for trial in record.front],
        "space": {path: _distribution(dist) for path, dist in record.space.items()},
        "settings": record.settings,
        "steps": unit_of(record.steps),
        "trials": [_trial(t) for t in sorted(record.trials, key=lambda t: t.number)],
    }
    text = json.dumps(_plain(tree), indent=2, ensure_ascii=False, allow_nan=False)
    return printable_json(text) + "\n"


def _flat(trial: TrialRecord) -> dict[str, Any]:
    return {
        "number": trial.number,
        "state": trial.state,
        "value": trial.value,
        "micro_batch": trial.micro_batch,
        "accumulation": trial.accumulation,
        "effective_batch": trial.effective_batch,
        "steps": len(trial.curve),
        **_resources(trial),
        "infeasible": "; ".join(trial.infeasible) or None,
        "started": trial.started.isoformat() if trial.started else None,
        "ended": trial.ended.isoformat() if trial.ended else None,
        "duration_s": trial.duration_s,
        "attempts": len(trial.attempts),
        "cause": trial.cause,
        "message": trial.message,
        "folder": str(trial.folder),
    }


def _resources(trial: TrialRecord) -> dict[str, float | None]:
    return {name: getattr(trial, name) for name in RESOURCES}


def _param(value: Any) -> Any:
    """A sampled null must not look like a parameter that is missing."""
    return "null" if value is None else value


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    # readers disagree about a line break in a cell, and what follows one could begin a formula
    text = printable(" ".join(value.split()))
    text = _FORMULA_AFTER_SEPARATOR.sub(r"\1'", text)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _trial(trial: TrialRecord) -> dict[str, Any]:
    return {
        "number": trial.number,
        "state": trial.state,
        "value": trial.value,
        "params": trial.params,
        "curve": [[step, value] for step, value in sorted(trial.curve.items())],
        "micro_batch": trial.micro_batch,
        "accumulation": trial.accumulation,
        "effective_batch": trial.effective_batch,
        **_resources(trial),
        "values": trial.values,
        "metrics": trial.metrics,
        "infeasible": trial.infeasible,
        "started": trial.started,
        "ended": trial.ended,
        "duration_s": trial.duration_s,
        "attempts": [_attempt(attempt) for attempt in trial.attempts],
        "cause": trial.cause,
        "message": trial.message,
        "folder": trial.folder,
    }


def _attempt(attempt: AttemptRecord) -> dict[str, Any]:
    return asdict(attempt)


def _distribution(dist: Distribution) -> dict[str, Any]:
    fields = fields_of(dist)
    when = dict(fields.pop("when"))
    return {**fields, "when": when} if when else fields


def _plain(value: Any) -> Any:
    """`value` in the types of JSON."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)
