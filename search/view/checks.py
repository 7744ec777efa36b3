"""The findings of `search check` and its bill, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from rich.text import Text

from search.engine.estimate import Bill
from search.plain.formats import format_duration, format_size
from search.plain.strict_json import to_json
from search.view.console import plain_console
from search.view.rows import TableColumn, print_pairs, print_rows

OK, WARNING, FAILED = "ok", "warning", "failed"
_STYLES = {OK: "green", WARNING: "yellow", FAILED: "bold red"}


@dataclass(frozen=True)
class Check:
    """One finding."""

    name: str
    state: str
    """ok, warning or failed."""
    text: str
    """The reason of the state."""


def print_checks(checks: Sequence[Check], bill: Bill, workers: str, stream: TextIO) -> None:
    """A row a check, then what the study will take.

    Args:
        workers: the workers of the study, and why so many.
    """
    console = plain_console(stream)
    columns = [TableColumn(""), TableColumn(""), TableColumn("", is_folded=True)]
    rows = [[Text(each.state, _STYLES[each.state]), each.name, each.text] for each in checks]
    print_rows(console, columns, rows)
    console.print()
    print_pairs(console, [("workers", workers), *_bill_pairs(bill)])


def checks_json(checks: Sequence[Check], bill: Bill) -> str:
    """The same as a JSON object."""
    return to_json({"checks": checks, "bill": bill}, indent=2)


def _bill_pairs(bill: Bill) -> list[tuple[str, str]]:
    if bill.study_s is None:
        time = "not known: the data has no length. Give trainer.max_steps or limit_train_batches"
    else:
        study, trial = format_duration(bill.study_s), format_duration(bill.trial_s)
        time = f"about {study} for {bill.trials} trials, {bill.workers} at a time; {trial} a trial"
    available = format_size(bill.available_bytes)
    whose = "this machine" if bill.device == "cpu" else bill.device
    study, trial = format_size(bill.memory_bytes), format_size(bill.trial_memory_bytes)
    memory = f"{study} of the {available} of {whose}; {trial} a trial"
    if bill.memory_bytes > bill.available_bytes:
        memory += ". That is too much: take fewer workers"
    return [
        ("time", time),
        ("memory", memory),
        ("disk", f"up to {format_size(bill.disk_bytes)} of checkpoints"),
        ("assumed", "; ".join(bill.assumed)),
    ]
