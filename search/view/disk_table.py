"""Disk usage of studies, as a table and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TextIO

from rich.text import Text

from search.plain.formats import format_size
from search.plain.strict_json import to_json
from search.view.console import NO_STUDY, plain_console
from search.view.rows import TableColumn, number_columns, print_rows
from search.view.terminal_text import clean


def print_usage(usage: Mapping[str, Counter[str]], stream: TextIO) -> None:
    """A row a study, a column a kind of file."""
    console = plain_console(stream)
    if not usage:
        console.print(NO_STUDY)
        return
    kinds = list(next(iter(usage.values())))
    counts_of = dict(usage)
    if len(counts_of) > 1:
        counts_of["all"] = sum(usage.values(), Counter())
    rows = []
    for name, counts in counts_of.items():
        sizes = [counts.total(), *(counts[kind] for kind in kinds)]
        rows.append([Text(clean(name), style="bold"), *map(format_size, sizes)])
    print_rows(console, [TableColumn("study"), *number_columns("disk", *kinds)], rows)


def usage_json(usage: Mapping[str, Counter[str]]) -> str:
    """A JSON list with the bytes of each study."""
    rows = [{"study": name, "bytes": counts.total(), **counts} for name, counts in usage.items()]
    return to_json(rows, indent=2)
