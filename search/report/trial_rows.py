"""The rows of the trial table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from search.plain.formats import format_duration, format_number, format_value
from search.report.data import StudyData
from search.report.dimensions import Dimension
from search.report.figure_text import shorten
from search.report.palette import OUTCOMES, outcome_key
from search.store.records import ObjectiveRecord, TrialRecord
from search.study_file.outcome_constraints import RESOURCES, format_outcome

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
        *(
            Column(shorten(each.metric), "Value of the objective", "number")
            for each in _valued(data)
        ),
        *(
            Column(shorten(dim.label), dim.path, "text" if _is_text(dim) else "number")
            for dim in data.dimensions
        ),
        Column("Batch", "Effective batch size", "number"),
        Column("Steps", "Validations reported", "number"),
        Column("Parameters", "Parameters of the model", "number"),
        Column("Epoch", "Median time of an epoch", "number"),
        Column("Memory", "Peak memory of the device, or of the process", "number"),
        Column("Duration", "From the first start to the end", "number"),
        Column("Attempts", "Processes that worked on it", "number"),
        Column("Message", "What the last attempt said", "text"),
    )


def rows(data: StudyData) -> tuple[Row, ...]:
    """One row a trial, by number."""
    best = {trial.number for trial in data.record.front}
    if data.best is not None:
        best = {data.best.number}
    return tuple(
        Row(
            trial.number,
            outcome_key(trial),
            trial.number in best,
            _cells(trial, data),
        )
        for trial in sorted(data.record.trials, key=lambda t: t.number)
    )


def _valued(data: StudyData) -> list[ObjectiveRecord]:
    """Objectives with a column of their own; what is measured in every trial has one anyway."""
    return [each for each in data.record.objectives if each.metric not in RESOURCES]


def _values(trial: TrialRecord, data: StudyData) -> Iterator[Cell]:
    if not data.record.several:
        yield _number(trial.value)
        return
    for each in _valued(data):
        index = data.record.several.index(each)
        yield _number(trial.values[index] if trial.values else None)


def _cells(trial: TrialRecord, data: StudyData) -> tuple[Cell, ...]:
    return (
        _number(trial.number),
        Cell(OUTCOMES[outcome_key(trial)].word, kind="outcome"),
        *_values(trial, data),
        *(_param(trial, dim) for dim in data.dimensions),
        _number(trial.effective_batch),
        _number(len(trial.curve)),
        *(_resource(name, getattr(trial, name)) for name in RESOURCES),
        Cell(format_duration(trial.duration_s), trial.duration_s, kind="number"),
        _number(len(trial.attempts)),
        _message("; ".join([*_violated(trial), *([trial.message] if trial.message else [])])),
    )


def _violated(trial: TrialRecord) -> list[str]:
    return [f"violates {constraint}" for constraint in trial.infeasible]


def _number(value: float | None) -> Cell:
    return Cell(format_number(value), value, kind="number")


def _resource(name: str, value: float | None) -> Cell:
    return Cell(format_outcome(name, value), value, kind="number")


def _param(trial: TrialRecord, dim: Dimension) -> Cell:
    if dim.path not in trial.params:
        return Cell("–", kind="text" if _is_text(dim) else "number")
    value: Any = trial.params[dim.path]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Cell(format_value(value), value, kind="number")
    return _message(format_value(value))


def _is_text(dim: Dimension) -> bool:
    return any(isinstance(c, bool | str) or c is None for c in dim.choices)


def _message(text: str) -> Cell:
    if len(text) <= _FOLDED_FROM:
        return Cell(text)
    return Cell(text[:_FOLDED_FROM].rstrip() + "…", rest=text)
