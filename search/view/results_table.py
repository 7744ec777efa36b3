"""Test metrics of a trial, and finalists over seeds, on the console and as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TextIO

from rich.text import Text

from search.layout import TrialFolder
from search.plain.formats import format_number
from search.plain.strict_json import field_values, to_json
from search.results.comparison import CONFIDENCE, Comparison
from search.results.confirm import Confirmation, Finalist
from search.store.records import StudyRecord, TrialRecord
from search.study_file.value_checkpoint import value_checkpoint
from search.view.console import plain_console
from search.view.rows import TableColumn, number_columns, print_lines, print_pairs, print_rows
from search.view.terminal_text import clean, parameters_text
from search.view.trial_table import trial_title


def print_test(
    record: StudyRecord, trial: TrialRecord, metrics: Mapping[str, float], stream: TextIO
) -> None:
    """A line a metric of the test set."""
    console = plain_console(stream)
    which = value_checkpoint(TrialFolder(trial.folder)).stem
    title = trial_title(record, trial)
    console.print(Text.assemble(title, f"{which} checkpoint on the test set"))
    values = {name: Text(format_number(value), style="bold") for name, value in metrics.items()}
    print_pairs(console, list(values.items()))


def test_json(record: StudyRecord, trial: TrialRecord, metrics: Mapping[str, float]) -> str:
    """The metrics of the test set as a JSON object."""
    return to_json({"study": record.name, "trial": trial.number, "metrics": metrics}, indent=2)


def print_confirmation(confirmation: Confirmation, stream: TextIO) -> None:
    """A row a finalist, and in words which of them can be told apart."""
    console = plain_console(stream)
    metric = f"{clean(confirmation.metric)} ({confirmation.direction})"
    console.print(Text(f"{clean(confirmation.study)} confirmed, {metric}", style="bold"))
    interval = f"{round(CONFIDENCE * 100)} % interval"
    columns = [
        *number_columns("trial", "mean", interval, "seeds", "failed", "in the search"),
        TableColumn("parameters", is_folded=True),
    ]
    print_rows(console, columns, [_finalist_row(each) for each in confirmation.finalists])
    print_lines(console, [Text(sentence) for sentence in sentences(confirmation)])


def confirmation_json(confirmation: Confirmation) -> str:
    """The finalists and their comparisons as a JSON object."""
    comparisons = [
        {**field_values(each), "told_apart": each.is_told_apart}
        for each in confirmation.comparisons
    ]
    body = {**field_values(confirmation), "comparisons": comparisons}
    return to_json({**body, "sentences": sentences(confirmation)}, indent=2)


def sentences(confirmation: Confirmation) -> list[str]:
    """The comparisons in words, and then the finalists that had luck."""
    lines = [_compared(each) for each in confirmation.comparisons]
    is_minimized = confirmation.direction == "minimize"
    lucky = [_luck(each, is_minimized) for each in confirmation.finalists]
    return lines + [line for line in lucky if line is not None]


def _finalist_row(finalist: Finalist) -> list[object]:
    spread = finalist.spread
    return [
        finalist.number,
        Text(format_number(spread.mean), style="bold"),
        f"{format_number(spread.low)} to {format_number(spread.high)}",
        len(finalist.values),
        finalist.failed,
        format_number(finalist.searched),
        Text(parameters_text(finalist.params)),
    ]


def _compared(each: Comparison) -> str:
    pair = f"trial {each.best} and trial {each.other}"
    if math.isnan(each.p):
        return f"{pair} cannot be compared: fewer than two seeds of one of them have a value."
    if each.is_told_apart:
        return f"trial {each.best} is better than trial {each.other} (p = {each.p:.2g})."
    return f"{pair} cannot be told apart by these seeds (p = {each.p:.2g})."


def _luck(finalist: Finalist, is_minimized: bool) -> str | None:
    """A sentence where the search promised more than any seed here keeps."""
    if not finalist.values:
        return None
    best = min(finalist.values) if is_minimized else max(finalist.values)
    was_better = finalist.searched < best if is_minimized else finalist.searched > best
    if not was_better:
        return None
    return (
        f"trial {finalist.number} was lucky in the search: {format_number(finalist.searched)} "
        f"there, {format_number(best)} at best over {len(finalist.values)} seeds."
    )
