"""The rows of the trial table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from search.engine.records import TrialRecord
from search.report.data import StudyData
from search.report.dimensions import Dimension
from search.report.palette import OUTCOMES, outcome_key
from search.report.text import format_duration, format_number, format_param, shorten

_FOLDED_FROM = 140


@dataclass(frozen=True)
class Cell:
    """What a cell shows and what it sorts by: a number, or None to sort by its text.

    `rest` is the whole text where `text` is only its beginning.
    """

    text: str
    sort: float | None = None
    rest: str | None = None
    kind: str = "text"


@dataclass(frozen=True)
class Row:
    """One trial. `key` is its outcome."""

    number: int
    key: str
    is_best: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Column:
    """A heading; `title` is its full name where `name` is short."""

    name: str
    title: str
    kind: str


def columns(data: StudyData) -> tuple[Column, ...]:
    """Headings in order."""
    return (
        Column("#", "Trial number", "number"),
        Column("Outcome", "How the trial ended", "text"),
        Column(shorten(data.metric), "Value of the objective", "number"),
        *(
            Column(shorten(dim.label), dim.path, "text" if _is_text(dim) else "number")
            for dim in data.dimensions
        ),
        Column("Batch", "Effective batch size", "number"),
        Column("Steps", "Validations reported", "number"),
        Column("Duration", "From the first start to the end", "number"),
        Column("Attempts", "Processes that worked on it", "number"),
        Column("Message", "What the last attempt said", "text"),
    )


def rows(data: StudyData) -> tuple[Row, ...]:
    """One row a trial, by number."""
    best = data.best
    return tuple(
        Row(
            trial.number,
            outcome_key(trial),
            best is not None and trial.number == best.number,
            _cells(trial, data.dimensions),
        )
        for trial in sorted(data.record.trials, key=lambda t: t.number)
    )


def _cells(trial: TrialRecord, dimensions: Sequence[Dimension]) -> tuple[Cell, ...]:
    return (
        _number(trial.number),
        Cell(OUTCOMES[outcome_key(trial)].word, kind="outcome"),
        _number(trial.value),
        *(_param(trial, dim) for dim in dimensions),
        _number(trial.effective_batch),
        _number(len(trial.curve)),
        Cell(format_duration(trial.duration_s), trial.duration_s, kind="number"),
        _number(len(trial.attempts)),
        _message(trial.message or ""),
    )


def _number(value: float | None) -> Cell:
    return Cell(format_number(value), value, kind="number")


def _param(trial: TrialRecord, dim: Dimension) -> Cell:
    if dim.path not in trial.params:
        return Cell("–", kind="text" if _is_text(dim) else "number")
    value: Any = trial.params[dim.path]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Cell(format_param(value), value, kind="number")
    return _message(format_param(value))


def _is_text(dim: Dimension) -> bool:
    return any(isinstance(c, bool | str) or c is None for c in dim.choices)


def _message(text: str) -> Cell:
    if len(text) <= _FOLDED_FROM:
        return Cell(text)
    return Cell(text[:_FOLDED_FROM].rstrip() + "…", rest=text)
