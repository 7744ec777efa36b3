"""A study as a few lines of HTML, for the output of a notebook's cell."""

from __future__ import annotations

from collections import Counter
from html import escape

from search.plain.formats import format_duration, format_number
from search.store.records import StudyRecord, TrialRecord
from search.store.study_state import budget_figures
from search.view.terminal_text import clean, ends, parameters_text

_ROWS = 5
_HEADINGS = ("trial", "state", "value", "time", "parameters")


def study_html(name: str, record: StudyRecord | None) -> str:
    """Name, counts, best trial and the last few trials; all text is escaped.

    Args:
        record: None for a study that was never run.
    """
    if record is None:
        return f"<p><b>{_text(name)}</b>: not run yet</p>"
    heading = f"<b>{_text(name)}</b> &nbsp; {_text(record.direction)} {_text(record.metric)}"
    best = "none yet"
    if record.best is not None:
        value = _text(format_number(record.best.value))
        params = _text(parameters_text(record.best.params))
        best = f"<b>{value}</b>, trial {record.best.number}, {params}"
    rows = "".join(_row("td", *_values(trial)) for trial in record.trials[-_ROWS:])
    return (
        f"<p>{heading}<br>{_text(_counts(record))}<br>best: {best}</p>"
        f"<table><thead>{_row('th', *_HEADINGS)}</thead><tbody>{rows}</tbody></table>"
    )


def _values(trial: TrialRecord) -> tuple[object, ...]:
    value, time = format_number(trial.value), format_duration(trial.duration_s)
    return trial.number, trial.state_word.upper(), value, time, parameters_text(trial.params)


def _counts(record: StudyRecord) -> str:
    counts = Counter(trial.state for trial in record.trials)
    total = f" of {record.n_trials}" if record.n_trials is not None else ""
    parts = (*ends(counts).values(), *budget_figures(record).values())
    return f"{record.finished}{total} trials finished: {', '.join(parts)}"


def _row(tag: str, *values: object) -> str:
    cells = "".join(f"<{tag}>{_text(value)}</{tag}>" for value in values)
    return f"<tr>{cells}</tr>"


def _text(value: object) -> str:
    return escape(clean(value))
