"""The head of the page: the state of the study, its best trial, and the parameters."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.errors import UserError, printable
from search.layout import TrialFolder
from search.plain.formats import NOTHING, format_count, format_duration, format_number, format_value
from search.report.data import StudyData
from search.report.dimensions import Dimension
from search.report.edges import edge_advice
from search.report.figure_text import shorten
from search.report.palette import by_outcome, outcome_key
from search.report.timing import spans
from search.space.distributions import Categorical, Distribution
from search.store.audit_figures import audit_figures, audit_text
from search.store.provenance.redaction import redacted_command
from search.store.records import StudyRecord, TrialRecord
from search.store.study_state import budget_figures, last_seen, running_s, study_state
from search.study_file.outcome_constraints import format_outcome
from search.study_file.script_command import command_of
from search.study_file.trial_config import read_sections

_MAX_MARKS = 150
_MAX_NAMES = 4
_MOST_OF_A_COMMAND = 4000


@dataclass(frozen=True)
class Tally:
    """The count of the trials that ended one way."""

    key: str
    word: str
    count: int
    share: float
    """Of all trials, in per cent."""


@dataclass(frozen=True)
class BestOf:
    """The best value of one of several objectives, and the trial that has it."""

    metric: str
    value: str
    number: int


@dataclass(frozen=True)
class Summary:
    """The header and the cards; every text is plain text, not HTML."""

    state: str
    is_running: bool
    sentence: str
    as_of: str | None
    """The last sign of life."""
    elapsed: str
    """The time in which at least one attempt ran."""
    compute: str
    """The time of all attempts together."""
    tallies: tuple[Tally, ...]
    audit: str | None
    """How right it was to stop trials; None where none was audited."""
    warm_start: str
    """The trials of earlier studies that it learnt from; empty without any."""
    best: TrialRecord | None
    front: tuple[TrialRecord, ...]
    bests: tuple[BestOf, ...]
    best_params: tuple[tuple[str, str, str], ...]
    """Path, short name and value of each."""
    batch: str | None
    checkpoint: Path | None
    command: str | None
    """The command line of a script with the best values."""


@dataclass(frozen=True)
class ParameterRow:
    """One row of the parameters."""

    path: str
    kind: str
    choices: tuple[tuple[str, bool], ...]
    """Each choice, and whether the best trial has it."""
    bounds: tuple[str, str] | None
    """Both ends of a range."""
    scale: str
    best: str
    best_at: float | None
    """Place of the best value in the range, 0 to 100."""
    marks: tuple[float, ...]
    """Places of the best trials, the same way."""
    importance: str
    advice: str | None


def summarise(data: StudyData) -> Summary:
    """The summary of a study, an empty one included."""
    record = data.record
    placed = spans(record)
    seen = last_seen(record)
    best = data.best
    return Summary(
        state=study_state(record),
        is_running=record.is_running,
        sentence=_sentence(data),
        as_of=seen.strftime("%Y-%m-%d %H:%M UTC") if seen else None,
        elapsed=format_duration(running_s(record)),
        compute=format_duration(sum(s.end_s - s.start_s for s in placed) if placed else None),
        tallies=_tallies(record.trials),
        audit=audit_text(audit_figures(record)),
        warm_start=record.warm_start.text,
        best=best,
        front=record.front if record.is_multi_objective else (),
        bests=tuple(_bests(record)),
        best_params=_params(data, best),
        batch=_batch(best),
        checkpoint=best.checkpoint if best else None,
        command=_command(best) if best else None,
    )


def parameter_rows(data: StudyData) -> tuple[ParameterRow, ...]:
    """One row for each searched value, in the order of the study file."""
    return tuple(_parameter_row(data, dim) for dim in data.dimensions)


def _bests(record: StudyRecord) -> Iterator[BestOf]:
    if not record.is_multi_objective:
        return
    for index, each in enumerate(record.objectives):
        best = record.of_objective(index).best
        if best is not None:
            yield BestOf(each.metric, format_outcome(each.metric, best.value), best.number)


def _sentence(data: StudyData) -> str:
    record = data.record
    words = {"minimize": "lowest", "maximize": "highest"}
    aims = " and the ".join(f"{words[each.direction]} {each.metric}" for each in record.objectives)
    total = f" of {record.n_trials:,}" if record.n_trials is not None else ""
    names = [dimension.label for dimension in data.dimensions]
    over = f" over {', '.join(names[:_MAX_NAMES])}" if names else ""
    if len(names) > _MAX_NAMES:
        over += f" and {len(names) - _MAX_NAMES} more"
    budget = "".join(f", {figure}" for figure in budget_figures(record).values())
    return f"Looking for the {aims}{over}; {record.finished:,}{total} trials finished{budget}."


def _tallies(trials: Sequence[TrialRecord]) -> tuple[Tally, ...]:
    return tuple(
        Tally(key, outcome.word, len(group), 100 * len(group) / len(trials))
        for key, outcome, group in by_outcome(trials, outcome_key)
    )


def _params(data: StudyData, best: TrialRecord | None) -> tuple[tuple[str, str, str], ...]:
    if best is None:
        return ()
    return tuple(
        (dim.path, dim.label, format_value(best.params[dim.path]))
        for dim in data.dimensions
        if dim.path in best.params
    )


def _command(best: TrialRecord) -> str | None:
    """The command line of the trial's script; None where there is none, or no configuration."""
    try:
        words = command_of(read_sections(TrialFolder(best.folder).config))
    except (UserError, OSError):
        return None
    if words is None:
        return None
    return printable(shlex.join(redacted_command(words)), _MOST_OF_A_COMMAND)


def _batch(best: TrialRecord | None) -> str | None:
    if best is None or best.micro_batch is None:
        return None
    if best.effective_batch is None:
        return str(best.micro_batch)
    accumulation = best.accumulation or 1
    return f"{best.effective_batch:,} ({best.micro_batch:,} × {accumulation})"


def _parameter_row(data: StudyData, dimension: Dimension) -> ParameterRow:
    distribution = dimension.distribution
    best = data.best.params if data.best else {}
    has_best = dimension.path in best
    choices, bounds, scale = _choices(dimension, best), None, ""
    marks, best_at = [], None
    if not isinstance(distribution, Categorical):
        bounds = format_number(distribution.low), format_number(distribution.high)
        scale = "log" if dimension.is_log else "linear"
        marks = _places(dimension, [trial.params for trial in data.ranked[:_MAX_MARKS]])
        best_at = next(iter(_places(dimension, [best])), None)
    importance = data.importances.get(dimension.path)
    return ParameterRow(
        path=dimension.written,
        kind=_kind(distribution),
        choices=choices,
        bounds=bounds,
        scale=scale,
        best=shorten(format_value(best[dimension.path]), 24) if has_best else NOTHING,
        best_at=best_at,
        marks=tuple(marks),
        importance=importance.text if importance else NOTHING,
        advice=edge_advice(data, dimension),
    )


def _choices(dimension: Dimension, best: Mapping[str, Any]) -> tuple[tuple[str, bool], ...]:
    """The choices, and for each whether `best` has it."""
    # compared by their places, because true is not 1
    at = dimension.coordinate_in(best)
    return tuple(
        (shorten(format_value(choice), 60), at is not None and dimension.coordinate(choice) == at)
        for choice in dimension.choices
    )


def _places(dimension: Dimension, trials: Iterable[Mapping[str, Any]]) -> list[float]:
    """Places in the range, in per cent, of the trials that have one."""
    places = [dimension.scaled_in(params) for params in trials]
    return [round(100 * place, 2) for place in places if place is not None]


def _kind(distribution: Distribution) -> str:
    step = distribution.own_tree().get("step")
    return distribution.kind if step is None else f"{distribution.kind}, step {format_number(step)}"


def trials_heading(record: StudyRecord) -> str:
    """The heading of the table."""
    return format_count(len(record.trials), "trial") if record.trials else "No trials yet"
