"""Every study at one glance: what it does, how far it is, its best value and its times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TextIO

from rich.text import Text

from search.engine.time_left import study_time_left
from search.plain.formats import NOTHING, format_duration, format_duration_range, format_number
from search.plain.strict_json import to_json
from search.store.audit_figures import audit_figures, audit_text
from search.store.records import StudyRecord
from search.store.study_state import (
    budget_figures,
    last_seen,
    nodes_at_work,
    running_s,
    study_state,
)
from search.view.console import ARROWS, NO_STUDY, local_time, plain_console
from search.view.json_lines import study_summary
from search.view.rows import TableColumn, number_columns, print_lines, print_rows
from search.view.terminal_text import ENDS, clean
from search.view.warm_start_text import warm_start_text, weights_now


def print_status(records: Sequence[StudyRecord], stream: TextIO) -> None:
    """A row a study: state, trials by outcome, best value, time."""
    console = plain_console(stream)
    if not records:
        console.print(NO_STUDY)
        return
    has_left = any(record.is_running for record in records)
    columns = [
        TableColumn("study"),
        TableColumn("state"),
        *number_columns("trials", *ENDS.values(), "best"),
        TableColumn("metric"),
        *number_columns("time", *(["left"] if has_left else [])),
        TableColumn("last activity"),
    ]
    print_rows(console, columns, [_status_row(record, has_left) for record in records])
    for each in records:
        if told := budget_figures(each):
            print_lines(console, [Text(f"{clean(each.name)} {', '.join(told.values())}")])
        if (audit := audit_text(audit_figures(each))) is not None:
            print_lines(console, [Text(f"{clean(each.name)} {audit}")])
        if (learnt := warm_start_text(each)) is not None:
            print_lines(console, [Text(clean(f"{each.name} warm start: {learnt}"))])
        if nodes := nodes_at_work(each):
            told_nodes = ", ".join(f"{count} on {node}" for node, count in nodes.items())
            print_lines(console, [Text(clean(f"{each.name} trials at work: {told_nodes}"))])
    paused = [record for record in records if record.paused]
    print_lines(console, [Text(f"{clean(each.name)} {clean(each.paused)}") for each in paused])


def status_json(records: Sequence[StudyRecord]) -> str:
    """Every study as a JSON list."""
    return to_json([{**study_summary(record), **_at_work(record)} for record in records], indent=2)


def _status_row(record: StudyRecord, has_left: bool) -> list[object]:
    counts = Counter(trial.state for trial in record.trials)
    total = f"{record.finished}/{record.n_trials}" if record.n_trials else record.finished
    metrics = [f"{clean(each.metric)} {ARROWS[each.direction]}" for each in record.objectives]
    seen = last_seen(record)
    return [
        Text(clean(record.name), style="bold"),
        study_state(record),
        total,
        *(counts[state] for state in ENDS),
        Text(_best_text(record), style="green"),
        Text("  ".join(metrics)),
        format_duration(running_s(record)),
        *([_time_left(record)] if has_left else []),
        local_time(seen) if seen else NOTHING,
    ]


def _at_work(record: StudyRecord) -> dict[str, object]:
    """State, trials at work by machine, seconds with trials running, and the range of those to
    come; null where unknown; and what the earlier studies weigh that it learns from."""
    return {
        "state": study_state(record),
        "paused": record.paused,
        "nodes": nodes_at_work(record),
        "warm_weights": weights_now(record),
        "time_s": running_s(record),
        "time_left": study_time_left(record),
    }


def _best_text(record: StudyRecord) -> str:
    if record.is_multi_objective:
        return f"front of {len(record.front)}"
    return format_number(record.best.value if record.best else None)


def _time_left(record: StudyRecord) -> str:
    left = study_time_left(record)
    return format_duration_range(left.low_s, left.high_s) if left else NOTHING
