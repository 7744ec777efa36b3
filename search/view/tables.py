"""Console tables of what is stored: every study, one trial, the best trial."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from search.engine.records import StudyRecord, TrialRecord
from search.study.layout import TrialFolder
from search.study.outcomes import RESOURCES
from search.study.steps import SAMPLES, unit_of
from search.study.value_checkpoint import value_checkpoint
from search.view.json_lines import study_summary, to_json, trial_summary
from search.view.outcomes import outcome, resources
from search.view.text import clean, duration, number, parameters, sparkline

NO_STUDY = "No study here yet. Start one with: search run --trials 50"
_ARROWS = {"minimize": "↓", "maximize": "↑"}
_STYLES = {"COMPLETE": "green", "PRUNED": "yellow", "FAIL": "red", "RUNNING": "bold"}


def print_status(records: Sequence[StudyRecord], stream: TextIO) -> None:
    """A row a study: state, trials by outcome, best value, time."""
    console = plain_console(stream)
    if not records:
        console.print(NO_STUDY)
        return
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("study", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for name in ("trials", "done", "pruned", "failed", "best"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("metric")
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("last activity", no_wrap=True)
    for record in records:
        counts = Counter(trial.state for trial in record.trials)
        total = f"{record.finished}/{record.asked}" if record.asked else str(record.finished)
        table.add_row(
            Text(clean(record.name), style="bold"),
            Text(study_state(record)),
            total,
            *(str(counts[state]) for state in ("COMPLETE", "PRUNED", "FAIL")),
            Text(_best_text(record), style="green"),
            Text("  ".join(f"{clean(o.metric)} {_ARROWS[o.direction]}" for o in record.objectives)),
            duration(_busy_s(record)),
            _last_activity(record),
        )
    console.print(table)


def study_state(record: StudyRecord) -> str:
    """running, finished, new, or interrupted."""
    if record.is_running:
        return "running"
    if record.asked is not None and record.finished >= record.asked:
        return "finished"
    return "interrupted" if record.trials else "new"


def print_trial(
    record: StudyRecord,
    trial: TrialRecord,
    seed: Any,
    made: Sequence[tuple[str, str]],
    stream: TextIO,
) -> None:
    """All that is known of one trial.

    Args:
        seed: what it is seeded with.
        made: what its study was made with, as labels and texts.
    """
    console = plain_console(stream)
    state = Text(trial.state.lower(), style=_STYLES.get(trial.state, "cyan"))
    cause = clean(trial.cause or "done")
    cause = "" if cause in ("done", "pruned") else f" ({cause})"
    if trial.infeasible:
        cause += f"  violates {clean(', '.join(trial.infeasible))}"
    title = f"{clean(record.name)}, trial {trial.number}  "
    console.print(Text.assemble((title, "bold"), state, cause))
    if trial.message and (trial.state == "FAIL" or trial.cause == "infeasible"):
        console.print(Text(clean(trial.message, 500), style="red"), soft_wrap=True)
    grid = _grid()
    _add_outcomes(grid, record, trial)
    for path, value in trial.params.items():
        grid.add_row(Text(clean(path)), Text(clean(number(value))))
    for path, value in trial.derived.items():
        grid.add_row(Text(clean(path)), Text(f"{clean(number(value))}  derived"))
    grid.add_row("batch", Text(batch_text(trial)))
    grid.add_row("seed", Text(clean(number(seed))))
    grid.add_row("time", duration(trial.duration_s))
    if trial.taken_from is not None:
        grid.add_row("taken from", Text(clean(trial.taken_from)))
    _add_files(grid, trial)
    for label, text in made:
        grid.add_row(label, Text(clean(text, 300), style="dim"))
    console.print(grid, soft_wrap=True)
    _print_curve(console, record, trial)
    _print_attempts(console, trial)


def print_best(record: StudyRecord, stream: TextIO) -> None:
    """The best trial: value, parameters, checkpoint; of several objectives the Pareto front."""
    if record.several:
        _print_front(record, stream)
        return
    trial = record.best
    assert trial is not None
    console = plain_console(stream)
    console.print(
        Text.assemble(
            (f"{clean(record.name)}, trial {trial.number}  ", "bold"),
            f"{clean(record.metric)} ",
            (number(trial.value), "bold green"),
        )
    )
    grid = _grid()
    for path, value in trial.params.items():
        grid.add_row(Text(clean(path)), Text(clean(number(value))))
    grid.add_row("batch", Text(batch_text(trial)))
    grid.add_row("takes", Text(resources(trial)))
    _add_files(grid, trial)
    console.print(grid, soft_wrap=True)


def _print_front(record: StudyRecord, stream: TextIO) -> None:
    console = plain_console(stream)
    count = f"{len(record.front)} of {record.finished} trials"
    console.print(Text(f"{clean(record.name)}, Pareto front: {count}", style="bold"))
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("trial", justify="right")
    for each in record.several:
        name = Text(f"{clean(each.metric)} {_ARROWS[each.direction]}")
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("parameters", overflow="fold")
    table.add_column("checkpoint", overflow="fold")
    for trial in record.front:
        values = zip(record.several, trial.values, strict=True)
        checkpoint = _checkpoint(trial)
        table.add_row(
            str(trial.number),
            *(Text(outcome(each.metric, value), style="green") for each, value in values),
            Text(parameters(trial.params)),
            Text(clean(checkpoint, 1000) if checkpoint else "–"),
        )
    console.print(table)


def status_json(records: Sequence[StudyRecord]) -> str:
    """Every study as a JSON list."""
    return to_json(
        [{**study_summary(record), "state": study_state(record)} for record in records], indent=2
    )


def trial_json(
    record: StudyRecord, trial: TrialRecord, seed: Any, made: Mapping[str, Any] | None
) -> str:
    """One trial as a JSON object, with its seed and what its study was made with."""
    body = {"study": record.name, "metric": record.metric, **_objectives_tree(record)}
    return to_json({**body, **_with_checkpoint(trial), "seed": seed, "provenance": made}, indent=2)


def best_json(record: StudyRecord) -> str:
    """The best trial as a JSON object, with its checkpoint; of several objectives, an object with
    the `front` as a list of such trials."""
    body = {"study": record.name, "metric": record.metric}
    if record.several:
        body = {"study": record.name, **_objectives_tree(record)}
        return to_json({**body, "front": [_with_checkpoint(t) for t in record.front]}, indent=2)
    assert record.best is not None
    return to_json({**body, **_with_checkpoint(record.best)}, indent=2)


def _with_checkpoint(trial: TrialRecord) -> dict[str, Any]:
    return {**trial_summary(trial), "checkpoint": _checkpoint(trial)}


def _checkpoint(trial: TrialRecord) -> Path | None:
    checkpoint = value_checkpoint(TrialFolder(trial.folder))
    return checkpoint if checkpoint.exists() else None


def _objectives_tree(record: StudyRecord) -> dict[str, Any]:
    return {"objectives": [asdict(each) for each in record.objectives]}


def plain_console(stream: TextIO) -> Console:
    """A console that cuts nothing off in a pipe."""
    # a table cut to 80 columns in a pipe would lose what a script looks for
    width = None if stream.isatty() else 200
    # what a user or a model wrote is text, never markup
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)


def batch_text(trial: TrialRecord) -> str:
    """`64 x 4 accumulated = 256`."""
    if trial.micro_batch is None:
        return "–"
    return (
        f"{trial.micro_batch} micro-batch × {trial.accumulation} accumulated "
        f"= {trial.effective_batch} effective"
    )


def _best_text(record: StudyRecord) -> str:
    if record.several:
        return f"front of {len(record.front)}"
    return number(record.best.value if record.best else None)


def _add_outcomes(grid: Table, record: StudyRecord, trial: TrialRecord) -> None:
    """Values of the objectives, other metrics that count, and what the trial took."""
    names = [each.metric for each in record.objectives]
    values = trial.values if record.several else (trial.value,)
    taken = {name: getattr(trial, name) for name in RESOURCES}
    known = {**trial.metrics, **taken, **dict(zip(names, values, strict=False))}
    for name in dict.fromkeys([*names, *known]):
        grid.add_row(
            Text(clean(name)),
            Text(outcome(name, known.get(name)), style="bold" if name in names else ""),
        )


def _print_curve(console: Console, record: StudyRecord, trial: TrialRecord) -> None:
    if not trial.curve:
        return
    steps = list(trial.curve)
    unit = unit_of(record.steps)
    by = "samples seen" if unit == SAMPLES else unit.removesuffix("s")
    console.print(Text(f"\n{clean(record.reported or record.metric)} by {by}", style="dim"))
    console.print(Text(sparkline(list(trial.curve.values()), 60), style="blue"))
    shown = steps if len(steps) <= 10 else [*steps[:3], *steps[-6:]]
    pairs = [f"{step}: {number(trial.curve[step])}" for step in shown]
    if len(steps) > 10:
        pairs.insert(3, "…")
    console.print(Text("  ".join(pairs)))


def _print_attempts(console: Console, trial: TrialRecord) -> None:
    if len(trial.attempts) < 2 and not any(a.message for a in trial.attempts):
        return
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    for name in ("attempt", "started", "time", "cause", "message"):
        table.add_column(name, overflow="fold")
    for attempt in trial.attempts:
        seconds = (attempt.ended - attempt.started).total_seconds() if attempt.ended else None
        table.add_row(
            str(attempt.number),
            _local(attempt.started),
            duration(seconds),
            Text(clean(attempt.cause or "running")),
            Text(clean(attempt.message or "", 300)),
        )
    console.print()
    console.print(table)


def _add_files(grid: Table, trial: TrialRecord) -> None:
    folder = TrialFolder(trial.folder)
    of_value = value_checkpoint(folder)
    checkpoints = {"best checkpoint": folder.best_ckpt, "last checkpoint": folder.last_ckpt}
    for name, path in (
        ("config", folder.config),
        ("log", folder.log),
        ("metrics", folder.metrics),
        ("checkpoint", of_value),
        *((name, path) for name, path in checkpoints.items() if path != of_value),
    ):
        if path.exists():
            grid.add_row(name, Text(clean(path, 1000)))


def _grid() -> Table:
    grid = Table.grid(padding=(0, 3, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def _busy_s(record: StudyRecord) -> float | None:
    """Seconds from the first attempt to the last sign of life."""
    starts = [trial.started for trial in record.trials if trial.started]
    ends = [a.ended or a.started for trial in record.trials for a in trial.attempts]
    return (max(ends) - min(starts)).total_seconds() if starts else None


def _last_activity(record: StudyRecord) -> str:
    times = [a.ended or a.started for trial in record.trials for a in trial.attempts]
    return _local(max(times)) if times else "–"


def _local(time: datetime) -> str:
    return time.astimezone().strftime("%Y-%m-%d %H:%M")
