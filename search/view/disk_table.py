"""What studies take on disk, as a table and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TextIO

from rich.text import Text

from search.view.console import NO_STUDY, plain_console
from search.view.json_lines import to_json
from search.view.rows import Column, print_rows
from search.view.terminal_text import clean, size


def print_usage(taken: Mapping[str, Counter[str]], stream: TextIO) -> None:
    """A row a study, a column a kind of file."""
    console = plain_console(stream)
    if not taken:
        console.print(NO_STUDY)
        return
    kinds = list(next(iter(taken.values())))
    rows = dict(taken)
    if len(rows) > 1:
        rows["all"] = sum(taken.values(), Counter())
    print_rows(
        console,
        [Column("study"), *(Column(name, is_number=True) for name in ("disk", *kinds))],
        [
            [
                Text(clean(name), style="bold"),
                Text(size(counts.total())),
                *(Text(size(counts[kind])) for kind in kinds),
            ]
            for name, counts in rows.items()
        ],
    )


def usage_json(taken: Mapping[str, Counter[str]]) -> str:
    """A JSON list with the bytes of each study."""
    return to_json(
        [{"study": name, "bytes": counts.total(), **counts} for name, counts in taken.items()],
        indent=2,
    )
