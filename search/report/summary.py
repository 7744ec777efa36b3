"""What stands above the figures: the state of the study, its best trial, and what was searched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from search.plain.formats import counted, format_duration, format_number, format_value
from search.report.data import StudyData
from search.report.dimensions import Dimension
from search.report.edges import edge_advice
from search.report.figure_text import shorten
from search.report.palette import OUTCOMES, outcome_key
from search.report.timing import spans
from search.space.distributions import Choice, Distribution
from search.store.records import StudyRecord, TrialRecord
from search.store.study_state import busy_s, last_seen, study_state
from search.study_file.outcome_constraints import format_outcome

_MAX_MARKS = 150


@dataclass(frozen=True)
class Tally:
    """How many trials ended one way; `share` of all trials, in per cent."""

    key: str
    word: str
    count: int
    share: float


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
    elapsed: str
    compute: str
    tallies: tuple[Tally, ...]
    best: TrialRecord | None
    front: tuple[TrialRecord, ...]
    bests: tuple[BestOf, ...]
    best_params: tuple[tuple[str, str, str], ...]
    batch: str | None
    checkpoint: Path | None


@dataclass(frozen=True)
class Searched:
    """One row of what was searched; `marks` and `best_at` are places in the range, 0 to 100."""

    path: str
    kind: str
    choices: tuple[tuple[str, bool], ...]
    bounds: tuple[str, str] | None
    scale: str
    best: str
    best_at: float | None
    marks: tuple[float, ...]
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
        elapsed=format_duration(busy_s(record)),
        compute=format_duration(sum(s.end_s - s.start_s for s in placed) if placed else None),
        tallies=_tallies(record.trials),
        best=best,
        front=record.front if record.several else (),
        bests=tuple(_bests(record)),
        best_params=_params(data, best),
        batch=_batch(best),
        checkpoint=best.checkpoint if best else None,
    )


def searched(data: StudyData) -> tuple[Searched, ...]:
    """One row for each searched value, in the order of the study file."""
    return tuple(_searched(data, dim) for dim in data.dimensions)


def _bests(record: StudyRecord) -> Iterator[BestOf]:
    for index, each in enumerate(record.several):
        best = record.of_objective(index).best
        if best is not None:
            yield BestOf(each.metric, format_outcome(each.metric, best.value), best.number)


def _sentence(data: StudyData) -> str:
    record = data.record
    words = {"minimize": "lowest", "maximize": "highest"}
    aims = " and the ".join(f"{words[o.direction]} {o.metric}" for o in record.objectives)
    of = f" of {record.asked:,}" if record.asked is not None else ""
    count = f"{record.finished:,}{of} trials finished"
    names = [dim.label for dim in data.dimensions]
    listed = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return f"Looking for the {aims}" + (f" over {listed}; {count}." if names else f"; {count}.")


def _tallies(trials: Sequence[TrialRecord]) -> tuple[Tally, ...]:
    counts = Counter(outcome_key(trial) for trial in trials)
    return tuple(
        Tally(key, outcome.word, counts[key], 100 * counts[key] / len(trials))
        for key, outcome in OUTCOMES.items()
        if counts[key]
    )


def _params(data: StudyData, best: TrialRecord | None) -> tuple[tuple[str, str, str], ...]:
    if best is None:
        return ()
    return tuple(
        (dim.path, dim.label, format_value(best.params[dim.path]))
        for dim in data.dimensions
        if dim.path in best.params
    )


def _batch(best: TrialRecord | None) -> str | None:
    if best is None or best.micro_batch is None:
        return None
    if best.effective_batch is None:
        return str(best.micro_batch)
    accumulation = best.accumulation or 1
    return f"{best.effective_batch:,} ({best.micro_batch:,} × {accumulation})"


def _searched(data: StudyData, dim: Dimension) -> Searched:
    best = data.best
    is_known = best is not None and dim.path in best.params
    value = best.params[dim.path] if best is not None and is_known else None
    at = dim.scaled(value) if is_known else None
    places = [p for t in data.ranked[:_MAX_MARKS] if (p := dim.scaled_in(t.params)) is not None]
    dist = dim.distribution
    known = data.importances.get(dim.path)
    return Searched(
        path=dim.path,
        kind=_kind(dist),
        choices=tuple(
            (shorten(format_value(c), 60), is_known and _same(dim, c, value)) for c in dim.choices
        ),
        bounds=None
        if isinstance(dist, Choice)
        else (format_number(dist.low), format_number(dist.high)),
        scale="log" if dim.is_log else "" if dim.choices else "linear",
        best=shorten(format_value(value), 24) if is_known else "–",
        best_at=None if at is None or dim.choices else round(100 * at, 2),
        marks=() if dim.choices else tuple(round(100 * place, 2) for place in places),
        importance=known.text if known else "–",
        advice=edge_advice(data, dim),
    )


def _same(dim: Dimension, choice: object, value: object) -> bool:
    return dim.coordinate(choice) == dim.coordinate(value)


def _kind(dist: Distribution) -> str:
    step = dist.own_tree().get("step")
    return dist.kind if step is None else f"{dist.kind}, step {format_number(step)}"


def trials_heading(record: StudyRecord) -> str:
    """The heading of the table."""
    return counted(len(record.trials), "trial") if record.trials else "No trials yet"
