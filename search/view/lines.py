"""Plain lines, for an output that is no terminal; and the view that says nothing."""

from __future__ import annotations

from typing import TextIO

from search.engine.progress import (
    BatchSizeFound,
    Event,
    Note,
    Stopping,
    StudyEnded,
    StudyOpened,
    TrialEnded,
    TrialStarted,
)
from search.plain.durations import duration
from search.view.board import Board, RunningTrial
from search.view.outcome_text import aims, outcomes
from search.view.terminal_text import clean, number, parameters


class LinesView:
    """One line when a study opens, a trial starts or ends, a probe is done, and at the end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._board = Board()

    def handle(self, event: Event) -> None:
        running = dict(self._board.running)
        self._board.fold(event)
        if isinstance(event, StudyOpened):
            self._print(opening_line(event))
        elif isinstance(event, TrialStarted):
            again = f" (attempt {event.attempt}, from epoch {event.step})" if event.step else ""
            self._print(f"trial {event.number:>4}  started{again}  {parameters(event.params)}")
        elif isinstance(event, TrialEnded):
            self._print(ended_line(event, self._board, running.get(event.number)))
        elif isinstance(event, BatchSizeFound):
            self._print(
                f"trial {event.number:>4}  micro-batch {event.micro_batch}, "
                f"the largest of {event.tried} sizes that ran"
            )
        elif isinstance(event, Note):
            self._print(clean(event.text))
        elif isinstance(event, Stopping):
            self._print("stopping: trials save their checkpoints; once more to stop at once")
        elif isinstance(event, StudyEnded):
            for line in closing_lines(event, self._board):
                self._print(line)

    def tick(self) -> None:
        """Lines need no refreshing."""

    def close(self) -> None:
        self._stream.flush()

    def _print(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


class QuietView:
    """Says nothing; errors reach the user by the exit."""

    def handle(self, event: Event) -> None:
        """Nothing to show."""

    def tick(self) -> None:
        """Nothing to refresh."""

    def close(self) -> None:
        """Nothing to close."""


def opening_line(event: StudyOpened) -> str:
    """What runs: name, objective, trials, workers."""
    record = event.record
    total = f" of {record.asked}" if record.asked is not None else ""
    trials = f"{record.finished}{total} trials done" if event.resumed else f"{record.asked} trials"
    if record.asked is None and not event.resumed:
        trials = "trials until it is stopped"
    plural = "worker" if event.workers == 1 else "workers"
    return f"study {clean(record.name)}: {aims(record)}, {trials}, {event.workers} {plural}"


def ended_line(event: TrialEnded, board: Board, trial: RunningTrial | None) -> str:
    """How one trial ended."""
    word = event.cause
    if event.cause == "pruned" and trial is not None:
        word = f"pruned at epoch {trial.epoch}"
    params = parameters(trial.params if trial else {})
    text = f"trial {event.number:>4}  {word}{_values(event, board)}  {params}".rstrip()
    text += f"  ({duration(event.duration_s)}){_praise(event, board)}"
    if event.cause == "infeasible":
        text += f"\n            {clean(event.message or 'no message')}"
    if event.state == "WAITING" and event.cause != "interrupted":
        text += f"\n            {clean(event.message or 'no message')}"
    if event.state == "FAIL":
        text += f"\n            {clean(event.message or 'no message')}\n            {event.log}"
    return text


def _values(event: TrialEnded, board: Board) -> str:
    if board.record is not None and board.record.several:
        shown = outcomes(board.record.several, event.values)
    elif event.value is not None:
        metric = clean(board.record.metric) if board.record else "value"
        shown = f"{metric} {number(event.value)}"
    else:
        shown = ""
    return f"  {shown}" if shown else ""


def _praise(event: TrialEnded, board: Board) -> str:
    """Whether a trial leads, or why it cannot."""
    if event.infeasible:
        return f"  violates {clean(', '.join(event.infeasible))}"
    if event.number in board.front:
        return "  on the Pareto front"
    return "  best so far" if board.best and board.best.number == event.number else ""


def closing_lines(event: StudyEnded, board: Board) -> list[str]:
    """The summary that stays: counts, best trial, what to type next."""
    record = event.record
    name = clean(record.name)
    reasons = {
        "finished": "finished",
        "timeout": "stopped at its time limit",
        "interrupted": "interrupted, everything is saved",
        "failures": "ended after failures in a row",
    }
    asked = f" of {record.asked}" if record.asked is not None else ""
    lines = [
        f"study {name} {reasons[event.reason]}: {record.finished}{asked} trials "
        f"({counts_text(board)}) in {duration(event.elapsed_s)}"
    ]
    best = record.best
    if best is not None:
        lines.append(
            f"best: trial {best.number}, {clean(record.metric)} {number(best.value)}  "
            f"{parameters(best.params)}"
        )
    if record.several and record.front:
        numbers = ", ".join(str(trial.number) for trial in record.front)
        lines.append(f"Pareto front: trials {numbers}")
    if event.reason in ("interrupted", "timeout"):
        lines.append(f"go on:  search resume {name}")
    if record.front:
        lines.append(f"next:   search best {name}    search report {name} --open")
    return lines


def counts_text(board: Board) -> str:
    """`41 done, 8 pruned, 1 failed`."""
    counts = board.counts
    words = [("COMPLETE", "done"), ("PRUNED", "pruned"), ("FAIL", "failed")]
    return ", ".join(f"{counts[state]} {word}" for state, word in words)
