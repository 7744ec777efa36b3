"""The picture of a running study: what runs now, what came out, what is best.

Fits into any width by going on in further lines, and into any height by leaving out what can be
read later; what a user must know now stands first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from search.engine.progress import TrialEnded
from search.plain.formats import (
    NOTHING,
    format_duration,
    format_duration_range,
    format_number,
    format_workers,
)
from search.space.distributions import Params
from search.view.board import Board, RunningTrial
from search.view.console import STATE_STYLES
from search.view.rows import align, flow, words
from search.view.terminal_text import (
    clean,
    each_parameter,
    ends,
    objectives_text,
    sparkline,
    values_text,
)

_PHASE_STYLES = {
    "training": "",
    "probing": "cyan",
    "pruning": "yellow",
    "pausing": "cyan",
    "stopping": "cyan",
}
_HEADINGS = ("trial", "epoch", "value", "curve", "state", "time")
_ALIGNED_RIGHT = (True, True, True, False, False, True)
# so that nothing jumps while numbers change
_LEAST_WIDTHS = (5, 7, 10, 8, 8, 8)
_CURVE = 3
_CURVE_WIDTH, _BAR_WIDTH = 20, 30
_BELOW = 7


@dataclass(frozen=True)
class _Detail:
    """An amount of lines that a picture takes."""

    ended: int
    """The most trials that ended."""
    has_blanks: bool
    has_params: bool
    """Parameters of the trials that run."""


# from the most to the least
_DETAILS = (
    _Detail(5, has_blanks=True, has_params=True),
    _Detail(2, has_blanks=True, has_params=True),
    _Detail(0, has_blanks=True, has_params=True),
    _Detail(0, has_blanks=False, has_params=True),
    _Detail(0, has_blanks=False, has_params=False),
)


class Picture:
    """Draws a board as it is when it is rendered, in at most `height` lines if one is given."""

    def __init__(self, board: Board, height: int | None = None) -> None:
        self._board = board
        self._height = height

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self._lines(options.max_width, self._height)

    def _lines(self, width: int, height: int | None) -> list[Text]:
        if self._board.record is None:
            return self._opening(width)[-(height or 0) :]
        for detail in _DETAILS:
            lines = self._detailed(width, detail)
            if height is None or len(lines) <= height:
                return lines
        return self._shortened(width, height or 0)

    def _opening(self, width: int) -> list[Text]:
        *earlier, last = [clean(note) for note in self._board.notes] or ["starting"]
        notes = [*earlier, f"{last} ({format_duration(self._board.elapsed_s)})"]
        return [line for note in notes for line in words(f"⋯ {note}", width, style="dim")]

    def _detailed(self, width: int, detail: _Detail) -> list[Text]:
        blank = [Text("")] if detail.has_blanks else []
        lines = self._urgent(width) + self._name(width) + self._progress(width)
        lines += self._best(width)
        if self._board.running:
            running = self._running(width, detail.has_params)
            lines += blank + [line for block in running for line in block]
        if self._board.ended and detail.ended:
            lines += blank + self._ended(width, detail.ended)
        return lines

    def _shortened(self, width: int, height: int) -> list[Text]:
        """The parts that matter most, as far as there is room; then a count of the trials left."""
        parts = {
            "name": self._name(width),
            "progress": self._progress(width),
            "best": self._best(width, has_params=False),
        }
        urgent = self._urgent(width)
        room = height - len(urgent) - 1
        shown = set()
        for name in ("best", "progress", "name"):
            if len(parts[name]) <= room:
                shown.add(name)
                room -= len(parts[name])
        lines = urgent + [line for name, part in parts.items() if name in shown for line in part]
        lines = lines[: height - 1]
        heading, *blocks = self._running(width, has_params=False)
        room = height - len(lines) - 1 - len(heading)
        shown_blocks: list[list[Text]] = []
        for block in blocks:
            room -= len(block)
            if room < 0:
                break
            shown_blocks.append(block)
        if shown_blocks:
            lines += heading
        for block in shown_blocks:
            lines += block
        if rest := len(blocks) - len(shown_blocks):
            more = "more " if shown_blocks else ""
            lines += words(f"{rest} {more}trials run", width, style="dim")
        return lines[:height]

    def _urgent(self, width: int) -> list[Text]:
        """The next step for the user, and the last note."""
        lines: list[Text] = []
        if self._board.stopping:
            stopping = "stopping: saving checkpoints; Ctrl-C again to stop at once"
            lines += words(stopping, width, style="bold cyan")
        for note in list(self._board.notes)[-1:]:
            lines += words(clean(note), width, style="dim")
        return lines

    def _name(self, width: int) -> list[Text]:
        record = self._board.record
        assert record is not None
        workers = format_workers(self._board.workers, self._board.threads)
        parts = (
            Text(clean(record.name), style="bold"),
            Text(objectives_text(record)),
            Text(workers, "dim"),
        )
        return flow(parts, width)

    def _progress(self, width: int) -> list[Text]:
        board = self._board
        lines: list[Text] = []
        if board.n_trials is not None:
            count = Text(f"{board.finished}/{board.n_trials}", style="bold")
            bar = _bar(board.finished, board.n_trials, min(_BAR_WIDTH, width - count.cell_len - 3))
            lines += flow([bar, count], width, indent=1)
        parts = []
        for state, text in ends(board.counts).items():
            parts.append(Text(text, style=STATE_STYLES[state] if board.counts[state] else "dim"))
        parts.append(Text(format_duration(board.elapsed_s), style="dim"))
        if (left := board.time_left) is not None:
            between = format_duration_range(left.low_s, left.high_s)
            parts.append(Text(f"about {between} left", style="dim"))
        if board.budget is not None:
            parts += [Text(figure, style="dim") for figure in board.budget.figures]
        return lines + flow(parts, width, indent=1)

    def _best(self, width: int, has_params: bool = True) -> list[Text]:
        best, record = self._board.best, self._board.record
        assert record is not None
        if record.is_multi_objective:
            front = ", ".join(map(str, self._board.front)) or "none yet"
            return words(f"Pareto front  {front}", width, style="bold green")
        if best is None:
            return words("best  none yet", width, style="dim")
        value = Text.assemble(("best  ", "dim"), (format_number(best.value), "bold green"))
        params = _params(best.params) if has_params else []
        return flow([value, Text(f"trial {best.number}", style="dim"), *params], width, hang=6)

    def _running(self, width: int, has_params: bool) -> list[list[Text]]:
        """The headings, and then the lines of each trial that runs."""
        trials = sorted(self._board.running.values(), key=lambda trial: trial.number)
        if not trials:
            return [[]]
        rows = [self._cells(trial) for trial in trials]
        shown = [_place_and_params(trial) if has_params else [] for trial in trials]
        widths = _widths(rows, _LEAST_WIDTHS)
        room = width - sum(widths) - 2 * len(widths)
        if room < -2:
            # not even the numbers fit side by side
            stacked = zip(rows, shown, strict=True)
            return [[], *(_stacked(row, params, width) for row, params in stacked)]
        longest = max((Text("  ").join(params).cell_len for params in shown), default=0)
        is_beside = has_params and max(longest, len("parameters")) <= room
        unused = room - longest if is_beside else room + 2
        widths[_CURVE] += min(_CURVE_WIDTH - widths[_CURVE], max(0, unused))
        headings = [Text(name, style="dim") for name in _HEADINGS]
        last_heading = [Text("parameters", style="dim")] if is_beside else []
        blocks = [[_line(headings, widths, last_heading)]]
        for trial, row, params in zip(trials, rows, shown, strict=True):
            row[_CURVE] = Text(sparkline(trial.curve, widths[_CURVE]), style="blue")
            below = [] if is_beside else flow(params, width, indent=_BELOW)
            blocks.append([_line(row, widths, params if is_beside else []), *below])
        return blocks

    def _cells(self, trial: RunningTrial) -> list[Text]:
        """One for each heading; the curve is empty, its width follows from the others."""
        total = f"/{trial.max_epochs}" if trial.max_epochs else ""
        epoch = f"{trial.epoch}{total}" if trial.phase != "probing" else NOTHING
        return [
            Text(str(trial.number)),
            Text(epoch),
            self._value(trial),
            Text(""),
            Text(trial.phase, style=_PHASE_STYLES[trial.phase]),
            Text(format_duration(self._board.age_s(trial))),
        ]

    def _value(self, trial: RunningTrial) -> Text:
        if not trial.curve:
            return Text(NOTHING, style="dim")
        value, best = trial.curve[-1], self._board.best
        leads = best is not None and self._board.is_better(value, best.value)
        return Text(format_number(value), style="bold green" if leads else "")

    def _ended(self, width: int, count: int) -> list[Text]:
        """The last trials that ended, with the messages of those that failed."""
        last = list(self._board.ended)[-count:]
        rows = [
            [
                Text(str(ended.number), style="dim"),
                Text(ended.cause, style=STATE_STYLES[ended.state]),
                Text(self._outcome(ended)),
                Text(format_duration(ended.duration_s), style="dim"),
            ]
            for ended in last
        ]
        widths = _widths(rows, (5, 11, 10, 8))
        is_narrow = sum(widths) + 2 * (len(widths) - 1) > width
        lines: list[Text] = []
        for ended, row in zip(last, rows, strict=True):
            if is_narrow:
                lines += flow([cell for cell in row if cell.plain], width)
            else:
                lines.append(align(row, widths, (True, False, True, True)))
            if ended.state == "FAIL":
                lines += words(clean(ended.message or ""), width, indent=_BELOW, style="red")
        return lines

    def _outcome(self, ended: TrialEnded) -> str:
        record = self._board.record
        if record is not None and record.is_multi_objective:
            return values_text(record.objectives, ended.values)
        return format_number(ended.value) if ended.value is not None else ""


def _place_and_params(trial: RunningTrial) -> list[Text]:
    place = [Text(f"on {clean(trial.node)}", style="dim")] if trial.node else []
    return [*place, *_params(trial.params)]


def _params(params: Params) -> list[Text]:
    return [Text(each) for each in each_parameter(params)]


def _widths(rows: Sequence[Sequence[Text]], least: Sequence[int]) -> list[int]:
    columns = zip(*rows, strict=True)
    return [
        max(size, *(cell.cell_len for cell in column))
        for size, column in zip(least, columns, strict=True)
    ]


def _stacked(row: Sequence[Text], params: Sequence[Text], width: int) -> list[Text]:
    """A trial in lines of its own; cells say what they are, as no heading does."""
    names = ("trial ", "epoch ", "value ", "", "", "")
    named = [
        Text.assemble((name, "dim"), cell)
        for name, cell in zip(names, row, strict=True)
        if cell.plain
    ]
    return flow(named, width) + flow(params, width, indent=2)


def _line(row: Sequence[Text], widths: Sequence[int], last: Sequence[Text]) -> Text:
    joined = Text("  ").join(last)
    return align([*row, joined], [*widths, 0], [*_ALIGNED_RIGHT, False])


def _bar(done: int, total: int, cells: int) -> Text:
    cells = max(1, cells)
    full = min(cells, round(cells * done / max(1, total)))
    return Text.assemble(("━" * full, "green"), ("━" * (cells - full), "bright_black"))
