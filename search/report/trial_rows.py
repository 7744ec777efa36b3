"""The trial table: its columns, and a row for each trial."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter

from search.plain.formats import NOTHING, format_duration, format_number, format_value
from search.report.data import StudyData
from search.report.dimensions import Dimension
from search.report.figure_text import shorten
from search.report.palette import look_of, outcome_key
from search.store.audit_figures import audited_text
from search.store.records import TrialRecord
from search.study_file.outcome_constraints import RESOURCES, format_outcome

_FOLDED_FROM = 140
# a column of shorter words breaks none of them
_ONE_LINE = 44
_RESOURCE_TITLES = {
    "parameters": ("Parameters", "Parameters of the model"),
    "epoch_time": ("Epoch", "Median time of an epoch"),
    "peak_memory": ("Memory", "Peak memory of the device, or of the process"),
}


@dataclass(frozen=True)
class Cell:
    """A value of a trial."""

    text: str
    sort: float | None = None
    """The number to sort by; None to sort by the text."""
    rest: str | None = None
    """The whole text where `text` is only its beginning."""
    kind: str = "text"
    """Its class on the page: text, number or outcome."""


@dataclass(frozen=True)
class Row:
    """One trial."""

    number: int
    key: str
    """Its outcome."""
    is_best: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Column:
    """A heading and the cells below it."""

    name: str
    title: str
    """The full name where `name` is short."""
    kind: str
    cell: Callable[[TrialRecord], Cell]


def columns(data: StudyData) -> tuple[Column, ...]:
    """Columns in order."""
    return (
        _numbers("#", "Trial number", attrgetter("number")),
        Column("Outcome", "How the trial ended", "outcome", _outcome),
        *_objectives(data),
        *(_parameter(dimension) for dimension in data.dimensions),
        _numbers("Batch", "Effective batch size", attrgetter("effective_batch")),
        _numbers("Steps", "Validations reported", lambda trial: len(trial.curve)),
        *(
            _numbers(*_RESOURCE_TITLES[name], attrgetter(name), partial(format_outcome, name))
            for name in RESOURCES
        ),
        _numbers(
            "Duration", "From the first start to the end", attrgetter("duration_s"), format_duration
        ),
        _numbers("Attempts", "Processes that worked on it", lambda trial: len(trial.attempts)),
        *_nodes(data),
        Column(
            "Message",
            "Why it was stopped or waits, or what was said at its end",
            "text",
            _message,
        ),
    )


def rows(data: StudyData) -> tuple[Row, ...]:
    """One row a trial, by number."""
    best = {trial.number for trial in data.record.front}
    if data.best is not None:
        best = {data.best.number}
    shown = columns(data)
    return tuple(
        Row(
            trial.number,
            outcome_key(trial),
            trial.number in best,
            tuple(column.cell(trial) for column in shown),
        )
        for trial in sorted(data.record.trials, key=lambda trial: trial.number)
    )


def row_tree(row: Row, shown: Sequence[Column]) -> list[object]:
    """A row as the page's script reads it: number, outcome, 1 of the best, then the cells."""
    cells = [_cell_tree(cell, column.kind) for cell, column in zip(row.cells, shown, strict=True)]
    return [row.number, row.key, int(row.is_best), *cells]


def _cell_tree(cell: Cell, kind: str) -> object:
    """A cell in as few characters as tell it: text or number alone, or [text, sort, rest, kind]."""
    if cell.rest is not None:
        return [cell.text, None, cell.rest]
    if cell.sort is None:
        return cell.text if cell.kind == kind else [cell.text, None, None, cell.kind]
    if type(cell.sort) is int and str(cell.sort) == cell.text and cell.kind == kind:
        return cell.sort
    # inf and nan by their names, which JSON has not
    sort = float(f"{cell.sort:.10g}") if math.isfinite(cell.sort) else str(cell.sort)
    return [cell.text, sort] if cell.kind == kind else [cell.text, sort, None, cell.kind]


def _numbers(
    name: str,
    title: str,
    value_of: Callable[[TrialRecord], float | None],
    text_of: Callable[[float | None], str] = format_number,
) -> Column:
    """A column of numbers, sorted as such."""

    def cell(trial: TrialRecord) -> Cell:
        value = value_of(trial)
        return Cell(text_of(value), value, kind="number")

    return Column(name, title, "number", cell)


def _objectives(data: StudyData) -> Iterator[Column]:
    """Objectives but the resources, which have columns anyway."""
    record = data.record
    for index, each in enumerate(record.objectives):
        if each.metric not in RESOURCES:
            value_of = partial(_value, index) if record.is_multi_objective else attrgetter("value")
            yield _numbers(shorten(each.metric), "Value of the objective", value_of)


def _nodes(data: StudyData) -> Iterator[Column]:
    """The machine of each trial, where there is any but that of the coordinator."""
    if any(trial.node for trial in data.record.trials):
        yield Column("Node", "Machine of the last process", "text word", _node)


def _node(trial: TrialRecord) -> Cell:
    return Cell(trial.node or NOTHING, kind="text word")


def _value(index: int, trial: TrialRecord) -> float | None:
    return trial.values[index] if trial.values else None


def _parameter(dimension: Dimension) -> Column:
    is_text = any(isinstance(choice, bool | str | None) for choice in dimension.choices)
    kind = "text" if is_text else "number"
    if is_text and all(len(format_value(each)) <= _ONE_LINE for each in dimension.choices):
        kind = "text word"

    def cell(trial: TrialRecord) -> Cell:
        if dimension.path not in trial.params:
            return Cell(NOTHING, kind=kind)
        value = trial.params[dimension.path]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return Cell(format_value(value), value, kind="number")
        text = format_value(value)
        return Cell(text, kind=kind) if len(text) <= _ONE_LINE else _folded(text)

    return Column(shorten(dimension.label), dimension.path, kind, cell)


def _outcome(trial: TrialRecord) -> Cell:
    return Cell(look_of(trial).word, kind="outcome")


def _message(trial: TrialRecord) -> Cell:
    parts = ["baseline"] if trial.baseline else []
    parts += [f"values of {trial.warm_origin}"] if trial.warm_origin is not None else []
    parts += [trial.branch_text] if trial.branch_text else []
    parts += [f"violates {constraint}" for constraint in trial.infeasible]
    told = (audited_text(trial), trial.message, trial.why)
    parts += dict.fromkeys(each for each in told if each)
    return _folded("; ".join(parts))


def _folded(text: str) -> Cell:
    if len(text) <= _FOLDED_FROM:
        return Cell(text)
    return Cell(text[:_FOLDED_FROM].rstrip() + "…", rest=text)
