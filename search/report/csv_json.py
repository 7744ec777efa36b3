"""A study as a table for spreadsheets, or as JSON for programs."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from search.errors import printable
from search.plain.strict_json import to_json
from search.report.data import StudyData
from search.space.distributions import Distribution, fields_of
from search.store.record_trees import study_tree, trial_tree
from search.store.records import StudyRecord, TrialRecord
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
    metrics = []
    if record.is_multi_objective:
        metrics = [f"values.{each.metric}" for each in record.objectives]
    names = (*_FIRST, *metrics, *(f"params.{path}" for path in paths), *_LAST)
    writer.writerow([_cell(name) for name in names])
    for trial in _by_number(record):
        cells = _columns(trial)
        first, last = [cells[name] for name in _FIRST], [cells[name] for name in _LAST]
        values = trial.values if record.is_multi_objective and trial.values else [""] * len(metrics)
        params = [_param(trial.params.get(path, "")) for path in paths]
        writer.writerow([_cell(value) for value in (*first, *values, *params, *last)])
    return out.getvalue()


def export_json(record: StudyRecord) -> str:
    """The whole record as JSON, indented; numbers that are not finite are null.

    Keys: name, folder, storage, metric, direction, objectives, outcome_constraints, asked,
    budget (what stops it beside that total), spent, is_running, best (a trial number or null),
    front (trial numbers), space, settings, steps (what those of a curve count: epochs, validations
    or samples), trials. A trial has the fields of `TrialRecord`, its `curve` as pairs of step and
    value, and `duration_s`; times are ISO 8601.
    """
    body = {
        "name": record.name,
        **study_tree(record),
        "is_running": record.is_running,
        "best": record.best.number if record.best else None,
        "space": {path: _distribution_tree(dist) for path, dist in record.space.items()},
        "settings": record.settings,
        "steps": unit_of(record.steps),
        "trials": [_trial_tree(trial) for trial in _by_number(record)],
    }
    return to_json(body, indent=2) + "\n"


def _by_number(record: StudyRecord) -> list[TrialRecord]:
    return sorted(record.trials, key=lambda trial: trial.number)


def _columns(trial: TrialRecord) -> dict[str, Any]:
    """The record of a trial with one value for each column."""
    return {
        **trial_tree(trial),
        "steps": len(trial.curve),
        "infeasible": "; ".join(trial.infeasible) or None,
        "started": trial.started.isoformat() if trial.started else None,
        "ended": trial.ended.isoformat() if trial.ended else None,
        "attempts": len(trial.attempts),
        "folder": str(trial.folder),
    }


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


def _trial_tree(trial: TrialRecord) -> dict[str, Any]:
    return {**trial_tree(trial), "curve": sorted(trial.curve.items())}


def _distribution_tree(distribution: Distribution) -> dict[str, Any]:
    tree = fields_of(distribution)
    when = dict(tree.pop("when"))
    return {**tree, "when": when} if when else tree
