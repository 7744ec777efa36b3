"""The live table: what runs now, what came out, what is best; updates in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from search.engine.progress import BatchSizeFound, Event, Note, StudyEnded, TrialEnded
from search.view.board import Board, RunningTrial
from search.view.lines import closing_lines
from search.view.outcomes import aims, outcomes
from search.view.text import clean, duration, number, parameters, sparkline

_REFRESH_HZ = 8
_NARROW = 80
_STYLES = {
    "COMPLETE": "green",
    "PRUNED": "yellow",
    "FAIL": "red",
    "WAITING": "cyan",
    "training": "",
    "probing": "cyan",
    "pruning": "yellow",
    "stopping": "cyan",
}


class Screen(Protocol):
    """Where the table is drawn: anew at each `refresh`, and gone after `stop`."""

    def start(self) -> None: ...

    def refresh(self) -> None: ...

    def stop(self) -> None: ...


class LiveView:
    """A rich live display; what should last is printed above it or stays when it closes."""

    def __init__(
        self,
        stream: TextIO,
        console: Console | None = None,
        screen: Callable[[Callable[[], RenderableType]], Screen] | None = None,
    ) -> None:
        self._console = console or Console(file=stream, highlight=False, markup=False, emoji=False)
        self._board = Board()
        self._live = screen(self._render) if screen else self._terminal()
        self._closing: list[str] = []
        self._live.start()

    def handle(self, event: Event) -> None:
        self._board.fold(event)
        if isinstance(event, TrialEnded) and event.state == "FAIL":
            line = f"trial {event.number} {event.cause}: {clean(event.message or '')}"
            self._console.print(Text(line, style="red"))
            self._console.print(Text(f"  {event.log}", style="dim"), soft_wrap=True)
        elif isinstance(event, StudyEnded):
            self._closing = closing_lines(event, self._board)
        elif isinstance(event, Note | BatchSizeFound):
            self._live.refresh()

    def tick(self) -> None:
        self._live.refresh()

    def close(self) -> None:
        self._live.stop()
        for index, line in enumerate(self._closing):
            style = "bold" if index == 0 else ""
            self._console.print(Text(line, style=style), soft_wrap=True)
        self._closing = []

    def _terminal(self) -> Screen:
        return Live(
            get_renderable=self._render,
            console=self._console,
            refresh_per_second=_REFRESH_HZ,
            auto_refresh=False,
            transient=True,
        )

    def _render(self) -> RenderableType:
        if self._board.record is None:
            text = self._board.notes[-1] if self._board.notes else "starting"
            return Text(f"⋯ {clean(text)} ({duration(self._board.elapsed_s)})", style="dim")
        parts: list[RenderableType] = [self._header(), self._progress(), self._best()]
        if self._board.running:
            parts += [Text(""), self._running()]
        if self._board.ended:
            parts += [Text(""), self._recent()]
        parts += [Text(f"\n{clean(note)}", style="dim") for note in list(self._board.notes)[-1:]]
        if self._board.stopping:
            parts.append(Text("stopping: saving checkpoints; Ctrl-C again to stop at once"))
        return Group(*parts)

    def _header(self) -> Text:
        record = self._board.record
        assert record is not None
        plural = "worker" if self._board.workers == 1 else "workers"
        return Text.assemble(
            (clean(record.name), "bold"),
            f"  {aims(record)}",
            (f"  {self._board.workers} {plural}", "dim"),
        )

    def _progress(self) -> RenderableType:
        board = self._board
        counts = Text("  ")
        for state, word in (("COMPLETE", "done"), ("PRUNED", "pruned"), ("FAIL", "failed")):
            style = _STYLES[state] if board.counts[state] else "dim"
            counts.append(f"{board.counts[state]} {word}  ", style)
        times = f"{duration(board.elapsed_s)}"
        if board.remaining_s is not None:
            times += f", about {duration(board.remaining_s)} left"
        counts.append(times, "dim")
        if board.asked is None:
            return counts
        row = Table.grid(padding=(0, 1))
        row.add_row(
            ProgressBar(total=board.asked, completed=board.finished, width=self._width(30, 12)),
            Text(f"{board.finished}/{board.asked}", style="bold"),
        )
        return Group(row, counts)

    def _best(self) -> Text:
        best, record = self._board.best, self._board.record
        if record is not None and record.several:
            numbers = ", ".join(map(str, self._board.front)) or "none yet"
            return Text.assemble(("Pareto front  ", "dim"), (numbers, "bold green"))
        if best is None:
            return Text("best  none yet", style="dim")
        return Text.assemble(
            ("best  ", "dim"),
            (number(best.value), "bold green"),
            (f"  trial {best.number}  ", "dim"),
            parameters(best.params),
        )

    def _running(self) -> Table:
        # fixed widths, so that nothing jumps and long parameters squeeze no other column
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for name, width in (("trial", 5), ("epoch", 8), ("value", 10)):
            table.add_column(name, justify="right", no_wrap=True, width=width)
        table.add_column("curve", no_wrap=True, width=self._width(20, 8))
        table.add_column("state", no_wrap=True, width=8)
        if not self._is_narrow:
            table.add_column("time", justify="right", no_wrap=True, width=11)
            table.add_column("parameters", no_wrap=True, overflow="ellipsis", ratio=1)
            table.expand = True
        for trial in sorted(self._board.running.values(), key=lambda trial: trial.number):
            table.add_row(*self._running_row(trial))
        return table

    def _running_row(self, trial: RunningTrial) -> list[RenderableType]:
        total = f"/{trial.max_epochs}" if trial.max_epochs else ""
        epoch = f"{trial.epoch}{total}" if trial.phase != "probing" else "–"
        row: list[RenderableType] = [
            Text(str(trial.number)),
            Text(epoch),
            self._value(trial),
            Text(sparkline(trial.curve, self._width(20, 8)), style="blue"),
            Text(trial.phase, style=_STYLES[trial.phase]),
        ]
        if not self._is_narrow:
            row += [Text(duration(self._board.age_s(trial))), Text(parameters(trial.params))]
        return row

    def _value(self, trial: RunningTrial) -> Text:
        if not trial.curve:
            return Text("–", style="dim")
        value, best = trial.curve[-1], self._board.best
        leads = best is not None and self._board.is_better(value, best.value)
        return Text(number(value), style="bold green" if leads else "")

    def _recent(self) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        table.add_column(justify="right", width=5)
        table.add_column(width=11)
        table.add_column(justify="right", width=10)
        table.add_column(justify="right")
        for ended in list(self._board.ended)[-(3 if self._is_narrow else 5) :]:
            table.add_row(
                Text(f"{ended.number}", style="dim"),
                Text(ended.cause, style=_STYLES[ended.state]),
                Text(self._outcome(ended)),
                Text(duration(ended.duration_s), style="dim"),
            )
        return table

    def _outcome(self, ended: TrialEnded) -> str:
        record = self._board.record
        if record is not None and record.several:
            return outcomes(record.several, ended.values)
        return number(ended.value) if ended.value is not None else ""

    @property
    def _is_narrow(self) -> bool:
        return self._console.width < _NARROW

    def _width(self, wide: int, narrow: int) -> int:
        return narrow if self._is_narrow else wide
