"""A study as a few lines of HTML, for the output of a notebook's cell."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import Any

from search.plain.durations import duration
from search.store.records import StudyRecord
from search.view.terminal_text import clean, number, parameters

_ROWS = 5


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
        best = (
            f"<b>{_text(number(record.best.value))}</b>, trial {record.best.number}, "
            f"{_text(parameters(record.best.params))}"
        )
    return (
        f"<p>{heading}<br>{_text(_counts(record))}<br>best: {best}</p>"
        f"<table><thead><tr>{_cells('th', 'trial', 'state', 'value', 'time', 'parameters')}"
        f"</tr></thead><tbody>{_rows(record)}</tbody></table>"
    )


def _rows(record: StudyRecord) -> str:
    rows = (
        _cells(
            "td",
            trial.number,
            trial.state,
            number(trial.value),
            duration(trial.duration_s),
            parameters(trial.params),
        )
        for trial in record.trials[-_ROWS:]
    )
    return "".join(f"<tr>{row}</tr>" for row in rows)


def _counts(record: StudyRecord) -> str:
    counts = Counter(trial.state for trial in record.trials)
    asked = f" of {record.asked}" if record.asked is not None else ""
    return f"{record.finished}{asked} trials finished: " + ", ".join(
        f"{counts[state]} {word}"
        for state, word in (("COMPLETE", "done"), ("PRUNED", "pruned"), ("FAIL", "failed"))
    )


def _cells(tag: str, *values: Any) -> str:
    return "".join(f"<{tag}>{_text(value)}</{tag}>" for value in values)


def _text(value: Any) -> str:
    return escape(clean(value))
