"""What studies take on disk, as a table and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TextIO

from rich.table import Table
from rich.text import Text

from search.view.json_lines import to_json
from search.view.tables import NO_STUDY, plain_console
from search.view.text import clean, size


def print_usage(taken: Mapping[str, Counter[str]], stream: TextIO) -> None:
    """A row a study, a column a kind of file."""
    console = plain_console(stream)
    if not taken:
        console.print(NO_STUDY)
        return
    kinds = list(next(iter(taken.values())))
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("study", no_wrap=True)
    for name in ("disk", *kinds):
        table.add_column(name, justify="right", no_wrap=True)
    rows = dict(taken)
    if len(rows) > 1:
        rows["all"] = sum(taken.values(), Counter())
    for name, counts in rows.items():
        cells = (size(counts[kind]) for kind in kinds)
        table.add_row(Text(clean(name), style="bold"), size(counts.total()), *cells)
    console.print(table)


def usage_json(taken: Mapping[str, Counter[str]]) -> str:
    """A JSON list with the bytes of each study."""
    return to_json(
        [{"study": name, "bytes": counts.total(), **counts} for name, counts in taken.items()],
        indent=2,
    )
