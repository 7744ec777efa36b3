"""Every study at one glance: what it does, how far it is, its best value and its times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, TextIO

from rich.text import Text

from search.engine.time_left import study_time_left
from search.plain.durations import duration, duration_range
from search.store.records import StudyRecord
from search.store.study_state import busy_s, last_seen, study_state
from search.view.console import ARROWS, NO_STUDY, local_time, plain_console
from search.view.json_lines import study_summary, to_json
from search.view.rows import Column, print_rows
from search.view.terminal_text import clean, number


def print_status(records: Sequence[StudyRecord], stream: TextIO) -> None:
    """A row a study: state, trials by outcome, best value, time."""
    console = plain_console(stream)
    if not records:
        console.print(NO_STUDY)
        return
    has_left = any(record.is_running for record in records)
    columns = [
        Column("study"),
        Column("state"),
        *(Column(name, is_number=True) for name in ("trials", "done", "pruned", "failed", "best")),
        Column("metric"),
        Column("time", is_number=True),
        *([Column("left", is_number=True)] if has_left else []),
        Column("last activity"),
    ]
    print_rows(console, columns, [_status_row(record, has_left) for record in records])
    for record in records:
        if record.paused:
            console.print(Text(f"{clean(record.name)} {clean(record.paused)}"), soft_wrap=True)


def status_json(records: Sequence[StudyRecord]) -> str:
    """Every study as a JSON list."""
    return to_json([{**study_summary(record), **_at_work(record)} for record in records], indent=2)


def _status_row(record: StudyRecord, has_left: bool) -> list[Text]:
    counts = Counter(trial.state for trial in record.trials)
    total = f"{record.finished}/{record.asked}" if record.asked else str(record.finished)
    metrics = [f"{clean(o.metric)} {ARROWS[o.direction]}" for o in record.objectives]
    left = study_time_left(record)
    return [
        Text(clean(record.name), style="bold"),
        Text(study_state(record)),
        Text(total),
        *(Text(str(counts[state])) for state in ("COMPLETE", "PRUNED", "FAIL")),
        Text(_best_text(record), style="green"),
        Text("  ".join(metrics)),
        Text(duration(busy_s(record))),
        *([Text(duration_range(left.low_s, left.high_s) if left else "–")] if has_left else []),
        Text(_last_activity(record)),
    ]


def _at_work(record: StudyRecord) -> dict[str, Any]:
    """State, seconds with trials running, and the range of those to come; null where unknown."""
    left = study_time_left(record)
    return {
        "state": study_state(record),
        "paused": record.paused,
        "time_s": busy_s(record),
        "time_left": asdict(left) if left else None,
    }


def _best_text(record: StudyRecord) -> str:
    if record.several:
        return f"front of {len(record.front)}"
    return number(record.best.value if record.best else None)


def _last_activity(record: StudyRecord) -> str:
    seen = last_seen(record)
    return local_time(seen) if seen else "–"
