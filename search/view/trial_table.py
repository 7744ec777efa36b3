"""Console tables of what is stored of one study: a trial, the best trial, the Pareto front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from search.layout import TrialFolder
from search.plain.durations import duration
from search.store.records import AttemptRecord, StudyRecord, TrialRecord
from search.study_file.curve_steps import step_title
from search.study_file.outcome_constraints import RESOURCES
from search.study_file.value_checkpoint import kept_checkpoint, value_checkpoint
from search.view.console import ARROWS, local_time, plain_console
from search.view.json_lines import to_json, trial_summary
from search.view.outcome_text import outcome, resources
from search.view.rows import Column, print_pairs, print_rows
from search.view.terminal_text import clean, number, parameters, sparkline

_STYLES = {"COMPLETE": "green", "PRUNED": "yellow", "FAIL": "red", "RUNNING": "bold"}


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
        console.print(Text(clean(trial.message), style="red"), soft_wrap=True)
    pairs = _outcome_pairs(record, trial)
    pairs += [_pair(path, number(value)) for path, value in trial.params.items()]
    pairs += [_pair(path, f"{number(value)} (derived)") for path, value in trial.derived.items()]
    pairs += [
        _pair("batch", batch_text(trial)),
        _pair("seed", number(seed)),
        _pair("time", duration(trial.duration_s)),
    ]
    if trial.taken_from is not None:
        pairs.append(_pair("taken from", trial.taken_from))
    pairs += _files(trial)
    pairs += [_pair(label, text, style="dim") for label, text in made]
    print_pairs(console, pairs)
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
    pairs = [_pair(path, number(value)) for path, value in trial.params.items()]
    pairs += [_pair("batch", batch_text(trial)), _pair("takes", resources(trial))]
    print_pairs(console, pairs + _files(trial))


def _print_front(record: StudyRecord, stream: TextIO) -> None:
    console, objectives = plain_console(stream), record.several
    count = f"{len(record.front)} of {record.finished} trials"
    console.print(Text(f"{clean(record.name)}, Pareto front: {count}", style="bold"))
    columns = [
        Column("trial", is_number=True),
        *(Column(f"{clean(o.metric)} {ARROWS[o.direction]}", is_number=True) for o in objectives),
        Column("parameters", is_folded=True),
        Column("checkpoint", is_folded=True),
    ]
    rows = [
        [
            Text(str(trial.number)),
            *(
                Text(outcome(each.metric, value), style="green")
                for each, value in zip(objectives, trial.values, strict=True)
            ),
            Text(parameters(trial.params)),
            Text(clean(kept_checkpoint(TrialFolder(trial.folder)) or "–")),
        ]
        for trial in record.front
    ]
    print_rows(console, columns, rows)


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
    return {**trial_summary(trial), "checkpoint": kept_checkpoint(TrialFolder(trial.folder))}


def _objectives_tree(record: StudyRecord) -> dict[str, Any]:
    return {"objectives": [asdict(each) for each in record.objectives]}


def batch_text(trial: TrialRecord) -> str:
    """`64 x 4 accumulated = 256`."""
    if trial.micro_batch is None:
        return "–"
    return (
        f"{trial.micro_batch} micro-batch × {trial.accumulation} accumulated "
        f"= {trial.effective_batch} effective"
    )


def _outcome_pairs(record: StudyRecord, trial: TrialRecord) -> list[tuple[Text, Text]]:
    """Values of the objectives, other metrics that count, and what the trial took."""
    names = [each.metric for each in record.objectives]
    values = trial.values if record.several else (trial.value,)
    taken = {name: getattr(trial, name) for name in RESOURCES}
    known = {**trial.metrics, **taken, **dict(zip(names, values, strict=False))}
    return [
        _pair(name, outcome(name, known.get(name)), style="bold" if name in names else "")
        for name in dict.fromkeys([*names, *known])
    ]


def _print_curve(console: Console, record: StudyRecord, trial: TrialRecord) -> None:
    if not trial.curve:
        return
    steps = list(trial.curve)
    title = f"{clean(record.reported or record.metric)} by {step_title(record.steps)}"
    console.print(Text(f"\n{title}", style="dim"))
    console.print(Text(sparkline(list(trial.curve.values()), 60), style="blue"))
    shown = steps if len(steps) <= 10 else [*steps[:3], *steps[-6:]]
    pairs = [f"{step}: {number(trial.curve[step])}" for step in shown]
    if len(steps) > 10:
        pairs.insert(3, "…")
    console.print(Text("  ".join(pairs)))


def _print_attempts(console: Console, trial: TrialRecord) -> None:
    if len(trial.attempts) < 2 and not any(a.message for a in trial.attempts):
        return
    columns = [
        Column("attempt", is_number=True),
        *(Column(name) for name in ("started", "time", "cause")),
        Column("message", is_folded=True),
    ]
    console.print()
    print_rows(console, columns, [_attempt_row(attempt) for attempt in trial.attempts])


def _attempt_row(attempt: AttemptRecord) -> list[Text]:
    seconds = (attempt.ended - attempt.started).total_seconds() if attempt.ended else None
    return [
        Text(str(attempt.number)),
        Text(local_time(attempt.started)),
        Text(duration(seconds)),
        Text(clean(attempt.cause or "running")),
        Text(clean(attempt.message or "")),
    ]


def _files(trial: TrialRecord) -> list[tuple[Text, Text]]:
    folder = TrialFolder(trial.folder)
    of_value = value_checkpoint(folder)
    checkpoints = {"best checkpoint": folder.best_ckpt, "last checkpoint": folder.last_ckpt}
    places = (
        ("config", folder.config),
        ("log", folder.log),
        ("metrics", folder.metrics),
        ("checkpoint", of_value),
        *((name, path) for name, path in checkpoints.items() if path != of_value),
    )
    return [_pair(name, path) for name, path in places if path.exists()]


def _pair(name: str, value: object, *, style: str = "") -> tuple[Text, Text]:
    return Text(clean(name), style="dim"), Text(clean(value), style=style)
