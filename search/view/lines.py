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
from search.plain.formats import format_duration, format_number, format_workers
from search.store.records import StudyRecord
from search.store.study_state import budget_figures, reached_rule
from search.study_file.stopping_rules import raised
from search.view.board import Board, RunningTrial
from search.view.terminal_text import clean, ends, objectives_text, parameters_text, values_text

_REASONS = {
    "finished": "finished",
    "timeout": "stopped at its time limit",
    "budget": "stopped by its budget",
    "interrupted": "interrupted, everything is saved",
    "failures": "ended after failures in a row",
}


class LinesView:
    """One line when a study opens, a trial starts or ends, a probe is done, and at the end."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._board = Board()

    def handle(self, event: Event) -> None:
        running = dict(self._board.running)
        self._board.fold(event)
        match event:
            case StudyOpened():
                self._print(opening_line(event))
            case TrialStarted():
                self._print(started_line(event))
            # many were paused at the end, which a note tells
            case TrialEnded(is_closed=True):
                pass
            case TrialEnded():
                self._print(ended_line(event, self._board, running.get(event.number)))
            case BatchSizeFound():
                self._print(
                    f"trial {event.number:>4}  micro-batch {event.micro_batch}, "
                    f"the largest of {event.tried} sizes that ran"
                )
            case Note():
                self._print(clean(event.text))
            case Stopping():
                self._print("stopping: trials save their checkpoints; once more to stop at once")
            case StudyEnded():
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
    """The study that runs: name, objectives, trials, workers."""
    record = event.record
    if event.resumed:
        trials = f"{record.finished}{_of_total(record)} trials done"
    elif record.n_trials is None:
        trials = "trials until it is stopped"
    else:
        trials = f"{record.n_trials} trials"
    workers = format_workers(event.workers, event.threads)
    parts = (objectives_text(record), trials, *budget_figures(record).values(), workers)
    return f"study {clean(record.name)}: {', '.join(parts)}"


def started_line(event: TrialStarted) -> str:
    """The beginning of an attempt: where, from which epoch, with which parameters."""
    where = f" on {clean(event.node)}" if event.node else ""
    again = f" (attempt {event.attempt}, from epoch {event.step})" if event.step else ""
    return f"trial {event.number:>4}  started{where}{again}  {parameters_text(event.params)}"


def ended_line(event: TrialEnded, board: Board, trial: RunningTrial | None) -> str:
    """The end of one trial: cause, values, parameters, time, and a message where it has one."""
    word = event.cause
    if event.cause in ("pruned", "paused") and trial is not None:
        word = f"{event.cause} at epoch {trial.epoch}"
    params = parameters_text(trial.params if trial else {})
    text = f"trial {event.number:>4}  {word}{_values(event, board)}  {params}".rstrip()
    lines = [f"{text}  ({format_duration(event.duration_s)}){_standing(event, board)}"]
    is_retried = event.state == "WAITING" and event.cause != "interrupted"
    # a script may fail after its fit
    has_failed = event.state == "FAIL" or (event.cause == "done" and bool(event.message))
    if has_failed or event.cause == "infeasible" or is_retried:
        lines.append(clean(event.message or "no message"))
    if event.state == "FAIL":
        lines.append(str(event.log))
    return "\n            ".join(lines)


def closing_lines(event: StudyEnded, board: Board) -> list[str]:
    """The summary that stays: counts, best trial, what to type next."""
    record = event.record
    name = clean(record.name)
    counts = ", ".join(ends(board.counts).values())
    # one that is reached, and not by a new best while the last trials were saved
    rule = reached_rule(record) if event.reason == "budget" else None
    why = f", {budget_figures(record)[rule]}" if rule else ""
    lines = [
        f"study {name} {_REASONS[event.reason]}{why}: {record.finished}{_of_total(record)} trials "
        f"({counts}) in {format_duration(event.elapsed_s)}"
    ]
    if (best := record.best) is not None:
        value = f"{clean(record.metric)} {format_number(best.value)}"
        lines.append(f"best: trial {best.number}, {value}  {parameters_text(best.params)}")
    if record.is_multi_objective and record.front:
        numbers = ", ".join(str(trial.number) for trial in record.front)
        lines.append(f"Pareto front: trials {numbers}")
    if event.reason in ("interrupted", "timeout", "budget"):
        more = f" {raised(rule)}" if rule else ""
        there = f" --on {board.engine}" if board.engine is not None else ""
        lines.append(f"go on:  search resume {name}{more}{there}")
    if record.front:
        lines.append(f"next:   search best {name}    search report {name} --open")
    return lines


def _values(event: TrialEnded, board: Board) -> str:
    record = board.record
    if record is not None and record.is_multi_objective:
        text = values_text(record.objectives, event.values)
        return f"  {text}" if text else ""
    if event.value is None:
        return ""
    metric = clean(record.metric) if record else "value"
    return f"  {metric} {format_number(event.value)}"


def _standing(event: TrialEnded, board: Board) -> str:
    """The constraints that a trial violates, or that it leads."""
    if event.infeasible:
        return f"  violates {clean(', '.join(event.infeasible))}"
    if event.number in board.front:
        return "  on the Pareto front"
    is_best = board.best is not None and board.best.number == event.number
    return "  best so far" if is_best else ""


def _of_total(record: StudyRecord) -> str:
    return f" of {record.n_trials}" if record.n_trials is not None else ""
