"""What `search check` found, and the bill, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TextIO

from rich.text import Text

from search.engine.estimate import Bill
from search.plain.durations import duration
from search.view.console import plain_console
from search.view.json_lines import to_json
from search.view.rows import Column, print_pairs, print_rows
from search.view.terminal_text import clean, size

OK, WARNING, FAILED = "ok", "warning", "failed"
_STYLES = {OK: "green", WARNING: "yellow", FAILED: "bold red"}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: its `state` is ok, warning or failed, `text` says why."""

    name: str
    state: str
    text: str


def print_checks(checks: Sequence[Check], bill: Bill, stream: TextIO) -> None:
    """A row a check, then what the study will take."""
    console = plain_console(stream)
    columns = [Column(""), Column(""), Column("", is_folded=True)]
    rows = [
        [Text(each.state, style=_STYLES[each.state]), Text(each.name), Text(clean(each.text))]
        for each in checks
    ]
    print_rows(console, columns, rows)
    console.print()
    print_pairs(console, [(Text(name, style="dim"), Text(text)) for name, text in _rows(bill)])


def checks_json(checks: Sequence[Check], bill: Bill) -> str:
    """The same as a JSON object."""
    return to_json({"checks": [asdict(each) for each in checks], "bill": asdict(bill)}, indent=2)


def _rows(bill: Bill) -> list[tuple[str, str]]:
    many = f"{bill.trials} trials, {bill.workers} at a time"
    if bill.study_s is None:
        time = "not known: the data has no length. Give trainer.max_steps or limit_train_batches"
    else:
        time = f"about {duration(bill.study_s)} for {many}; {duration(bill.trial_s)} a trial"
    whose = "this machine" if bill.device == "cpu" else bill.device
    available = f"the {size(bill.available_bytes)} of {whose}"
    memory = f"{size(bill.memory_bytes)} of {available}; {size(bill.trial_memory_bytes)} a trial"
    if bill.memory_bytes > bill.available_bytes:
        memory += ". That is too much: take fewer workers"
    return [
        ("time", time),
        ("memory", memory),
        ("disk", f"up to {size(bill.disk_bytes)} of checkpoints"),
        ("assumed", "; ".join(bill.assumed)),
    ]
