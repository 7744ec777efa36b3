"""Rows, pairs and words laid out for any width: what does not fit goes on below, nothing is cut.

A cell is a `Text`, or anything else, which is shown as plain text that cannot control a terminal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import chop_cells
from rich.console import Console
from rich.table import Table
from rich.text import Text

from search.view.terminal_text import clean

_GAP = 3
_LEAST_FOLDED = 24


@dataclass(frozen=True)
class TableColumn:
    """A column of a table, as wide as its widest cell."""

    name: str
    is_number: bool = False
    """Aligned to the right."""
    is_folded: bool = False
    """Long texts, which a table may break into lines."""


def number_columns(*names: str) -> list[TableColumn]:
    """Columns of numbers."""
    return [TableColumn(name, is_number=True) for name in names]


def print_rows(
    console: Console, columns: Sequence[TableColumn], rows: Sequence[Sequence[object]]
) -> None:
    """A table where it fits. Where it does not, what all rows share stands above it; where that is
    not enough, each row takes lines of its own, its first cell as their heading."""
    cells = [[_cell(value) for value in row] for row in rows]
    kept = _kept(console.width, columns, cells)
    if kept:
        above = [place for place in range(len(columns)) if place not in kept]
        shared = [_named(columns[place].name, cells[0][place]) for place in above]
        print_lines(console, flow(shared, console.width, gap=_GAP))
        kept_cells = [[row[place] for place in kept] for row in cells]
        console.print(_table([columns[place] for place in kept], kept_cells))
        return
    for heading, *others in cells:
        print_lines(console, flow([heading], console.width))
        named = [
            _named(column.name, cell) for column, cell in zip(columns[1:], others, strict=True)
        ]
        print_lines(console, flow(named, console.width, indent=2, gap=_GAP))


def print_pairs(console: Console, pairs: Sequence[tuple[str, object]]) -> None:
    """Names and their values side by side; a value below its name where there is no room."""
    if not pairs:
        return
    names = [Text(clean(name), style="dim") for name, _ in pairs]
    values = [_cell(value) for _, value in pairs]
    name_width = max(name.cell_len for name in names)
    value_width = max(value.cell_len for value in values)
    room = console.width - name_width - _GAP
    for name, value in zip(names, values, strict=True):
        if room < min(_LEAST_FOLDED, value_width):
            print_lines(console, flow([name], console.width))
            print_lines(console, flow([value], console.width, indent=2))
            continue
        first, *others = flow([value], room) or [Text("")]
        name.pad_right(name_width - name.cell_len + _GAP)
        print_lines(console, [name.append_text(first)])
        print_lines(console, [Text(" " * (name_width + _GAP)).append_text(each) for each in others])


def print_lines(console: Console, lines: Sequence[Text]) -> None:
    """Lines as they are, which a terminal breaks where they do not fit."""
    for line in lines:
        console.print(line, soft_wrap=True)


def flow(
    parts: Sequence[Text], width: int, *, indent: int = 0, hang: int = 0, gap: int = 2
) -> list[Text]:
    """Parts one after another, in as many lines as it takes; one wider than a line is broken.

    Args:
        indent: cells before each line.
        hang: further cells before each line but the first.
        gap: cells between two parts of a line.
    """
    lines: list[Text] = []
    room = max(1, width - indent - hang)
    for part in parts:
        if lines and lines[-1].cell_len + gap + part.cell_len <= width:
            lines[-1].append(" " * gap).append_text(part)
            continue
        for piece in _broken(part, room):
            before = indent + hang if lines else indent
            lines.append(Text(" " * before).append_text(piece))
    return lines


def words(text: str, width: int, *, indent: int = 0, style: str = "") -> list[Text]:
    """A sentence in lines broken between its words."""
    return flow([Text(word, style=style) for word in text.split()], width, indent=indent, gap=1)


def align(cells: Sequence[Text], widths: Sequence[int], rights: Sequence[bool]) -> Text:
    """Cells in one line, each padded to its width; on its left side where `rights` says so."""
    line = Text()
    for cell, width, is_right in zip(cells, widths, rights, strict=True):
        padding = " " * (width - cell.cell_len)
        line.append(padding if is_right else "").append_text(cell)
        line.append("" if is_right else padding).append("  ")
    line.rstrip()
    return line


def _kept(width: int, columns: Sequence[TableColumn], rows: Sequence[Sequence[Text]]) -> list[int]:
    """The places of the columns of a table that fits: without the widest of those in which all
    rows are the same, as far as it must be; empty where none fits."""
    sizes = [
        max(Text(column.name).cell_len, _least([row[place] for row in rows], column))
        for place, column in enumerate(columns)
    ]
    kept = list(range(len(columns)))
    shared = [p for p in kept[1:] if len(rows) > 1 and len({row[p].plain for row in rows}) == 1]
    shared.sort(key=lambda place: sizes[place])
    while sum(sizes[place] for place in kept) + _GAP * (len(kept) - 1) > width:
        if not shared:
            return []
        kept.remove(shared.pop())
    return kept


def _least(cells: Sequence[Text], column: TableColumn) -> int:
    widest = max((cell.cell_len for cell in cells), default=0)
    return min(widest, _LEAST_FOLDED) if column.is_folded else widest


def _table(columns: Sequence[TableColumn], rows: Sequence[Sequence[Text]]) -> Table:
    has_names = any(column.name for column in columns)
    table = Table(
        box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="dim", show_header=has_names
    )
    for column in columns:
        table.add_column(
            column.name,
            justify="right" if column.is_number else "left",
            no_wrap=not column.is_folded,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*row)
    return table


def _cell(value: object) -> Text:
    return value if isinstance(value, Text) else Text(clean(value))


def _named(name: str, value: Text) -> Text:
    return Text.assemble((f"{name} ", "dim"), value) if name else value


def _broken(part: Text, width: int) -> list[Text]:
    """The part in pieces of at most `width` cells."""
    if part.cell_len <= width:
        return [part]
    offsets, start = [], 0
    for piece in chop_cells(part.plain, width):
        start += len(piece)
        offsets.append(start)
    return list(part.divide(offsets[:-1]))
