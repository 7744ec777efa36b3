"""Console tables of what is stored of one study: a trial, the best trial, the Pareto front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TextIO

from rich.console import Console
from rich.text import Text

from search.layout import TrialFolder
from search.plain.formats import NOTHING, format_duration, format_number, format_value
from search.plain.strict_json import to_json
from search.space.short_names import short_names
from search.store.audit_figures import audited_text
from search.store.lineage import lineage_of
from search.store.record_trees import trial_tree
from search.store.records import AttemptRecord, StudyRecord, TrialRecord
from search.study_file.curve_steps import step_title
from search.study_file.outcome_constraints import RESOURCES, format_outcome
from search.study_file.value_checkpoint import value_checkpoint
from search.view.console import ARROWS, STATE_STYLES, local_time, plain_console
from search.view.rows import TableColumn, number_columns, print_lines, print_pairs, print_rows
from search.view.terminal_text import clean, parameters_text, sparkline

_Pairs = list[tuple[str, object]]

# of a longer curve the beginning and the end are printed
_MOST_VALUES, _FIRST, _LAST = 10, 3, 6


def print_trial(
    record: StudyRecord,
    trial: TrialRecord,
    seed: object,
    made: Sequence[tuple[str, str]],
    stream: TextIO,
) -> None:
    """All that is known of one trial.

    Args:
        seed: what it is seeded with.
        made: what its study was made with, as labels and texts.
    """
    console = plain_console(stream)
    state = Text(trial.state_word, style=STATE_STYLES.get(trial.state, "cyan"))
    console.print(Text.assemble(trial_title(record, trial), state, _reason(trial)))
    if trial.message and (trial.state == "FAIL" or trial.cause == "infeasible"):
        print_lines(console, [Text(clean(trial.message), style="red")])
    elif trial.message and trial.state in ("WAITING", "PRUNED"):
        print_lines(console, [Text(clean(trial.message), style="dim")])
    verdicts = [each for each in (trial.why, audited_text(trial)) if each and each != trial.message]
    print_lines(console, [Text(clean(each), style="dim") for each in verdicts])
    pairs = _outcome_pairs(record, trial) + _parameter_pairs(trial)
    pairs += _derived_pairs(trial)
    pairs += [
        ("batch", batch_text(trial)),
        ("seed", NOTHING if seed is None else seed),
        ("time", format_duration(trial.duration_s)),
    ]
    if trial.node:
        pairs.append(("node", clean(trial.node)))
    if trial.repeats_s is not None:
        pairs.append(("a kill repeats", f"at most {format_duration(trial.repeats_s)} of training"))
    if trial.taken_from is not None:
        pairs.append(("taken from", trial.taken_from))
    if trial.baseline:
        pairs.append(("baseline", _baseline_text(trial)))
    if trial.warm_origin is not None:
        pairs.append(("warm start", f"the values of {clean(trial.warm_origin)}"))
    if trial.branch_text is not None:
        pairs.append(("begins", trial.branch_text))
    pairs += _files(trial)
    pairs += [(label, Text(clean(text), style="dim")) for label, text in made]
    print_pairs(console, pairs)
    _print_curve(console, record, trial)
    _print_lineage(console, record, trial)
    _print_attempts(console, trial)


def _derived_pairs(trial: TrialRecord) -> _Pairs:
    """What follows from the parameters; a parameter among them is as it was trained with."""
    return [
        (path, f"{format_value(value)} ({'scaled' if path in trial.params else 'derived'})")
        for path, value in trial.derived.items()
    ]


def print_best(record: StudyRecord, stream: TextIO) -> None:
    """The best trial: value, parameters, checkpoint; of several objectives the Pareto front."""
    if record.is_multi_objective:
        _print_front(record, stream)
        return
    trial = record.best
    assert trial is not None
    console = plain_console(stream)
    value = (format_number(trial.value), "bold green")
    console.print(Text.assemble(trial_title(record, trial), f"{clean(record.metric)} ", value))
    pairs = _parameter_pairs(trial)
    pairs += _derived_pairs(trial)
    pairs += [("batch", batch_text(trial)), ("takes", _resources_text(trial))]
    print_pairs(console, pairs + _files(trial))


def trial_json(
    record: StudyRecord, trial: TrialRecord, seed: object, made: Mapping[str, object] | None
) -> str:
    """One trial as a JSON object, with its seed and what its study was made with."""
    body: dict[str, object] = {
        "study": record.name,
        "metric": record.metric,
        "objectives": record.objectives,
    }
    body |= {**_with_checkpoint(trial), "lineage": lineage_of(record, trial)}
    return to_json({**body, "seed": seed, "provenance": made}, indent=2)


def best_json(record: StudyRecord) -> str:
    """The best trial as a JSON object, with its checkpoint; of several objectives, an object with
    the `front` as a list of such trials."""
    body: dict[str, object] = {"study": record.name}
    if record.is_multi_objective:
        body["objectives"] = record.objectives
        body["front"] = [_with_checkpoint(trial) for trial in record.front]
    else:
        assert record.best is not None
        body |= {"metric": record.metric, **_with_checkpoint(record.best)}
    return to_json(body, indent=2)


def trial_title(record: StudyRecord, trial: TrialRecord) -> tuple[str, str]:
    """The beginning of a headline, and its style."""
    return f"{clean(record.name)}, trial {trial.number}  ", "bold"


def _baseline_text(trial: TrialRecord) -> str:
    """Tells which values of the first trial are those of the configuration."""
    sampled = [path for path in trial.params if path not in trial.baseline]
    if not sampled:
        return "all values are those of the configuration"
    return f"values of the configuration, but for {', '.join(sampled)}"


def batch_text(trial: TrialRecord) -> str:
    """`64 micro-batch × 4 accumulated = 256 effective`."""
    if trial.micro_batch is None:
        return NOTHING
    return (
        f"{trial.micro_batch} micro-batch × {trial.accumulation} accumulated "
        f"= {trial.effective_batch} effective"
    )


def _print_front(record: StudyRecord, stream: TextIO) -> None:
    console, objectives = plain_console(stream), record.objectives
    count = f"{len(record.front)} of {record.finished} trials"
    console.print(Text(f"{clean(record.name)}, Pareto front: {count}", style="bold"))
    names = [f"{clean(each.metric)} {ARROWS[each.direction]}" for each in objectives]
    columns = [
        *number_columns("trial", *names),
        TableColumn("parameters", is_folded=True),
        TableColumn("checkpoint", is_folded=True),
    ]
    rows = []
    for trial in record.front:
        values = [
            Text(format_outcome(each.metric, value), style="green")
            for each, value in zip(objectives, trial.values, strict=True)
        ]
        checkpoint = trial.checkpoint or NOTHING
        rows.append([trial.number, *values, Text(parameters_text(trial.params)), checkpoint])
    print_rows(console, columns, rows)


def _reason(trial: TrialRecord) -> str:
    """The cause of the end where the state does not say it, and the violated constraints."""
    cause = trial.cause or "done"
    text = "" if cause in ("done", "pruned", "paused") else f" ({clean(cause)})"
    if trial.infeasible:
        text += f"  violates {clean(', '.join(trial.infeasible))}"
    return text


def _with_checkpoint(trial: TrialRecord) -> dict[str, object]:
    return {**trial_tree(trial), "checkpoint": trial.checkpoint}


def _parameter_pairs(trial: TrialRecord) -> _Pairs:
    return [(path, format_value(value)) for path, value in trial.params.items()]


def _outcome_pairs(record: StudyRecord, trial: TrialRecord) -> _Pairs:
    """Values of the objectives, other metrics that count, and what the trial took."""
    names = [each.metric for each in record.objectives]
    values = trial.values if record.is_multi_objective else (trial.value,)
    taken = {name: getattr(trial, name) for name in RESOURCES}
    known = {**trial.metrics, **taken, **dict(zip(names, values, strict=False))}
    pairs: _Pairs = []
    for name in dict.fromkeys([*names, *known]):
        style = "bold" if name in names else ""
        pairs.append((name, Text(format_outcome(name, known.get(name)), style=style)))
    return pairs


def _resources_text(trial: TrialRecord) -> str:
    """`12,345 parameters, 1.2 s an epoch, 310 MiB at most`; a dash for what is not known."""
    count, epoch, memory = (format_outcome(name, getattr(trial, name)) for name in RESOURCES)
    return f"{count} parameters, {epoch} an epoch, {memory} at most"


def _print_curve(console: Console, record: StudyRecord, trial: TrialRecord) -> None:
    if not trial.curve:
        return
    title = f"{clean(record.reported or record.metric)} by {step_title(record.steps)}"
    console.print(Text(f"\n{title}", style="dim"))
    console.print(Text(sparkline(list(trial.curve.values()), 60), style="blue"))
    shown = [f"{step}: {format_number(value)}" for step, value in trial.curve.items()]
    if len(shown) > _MOST_VALUES:
        shown = [*shown[:_FIRST], "…", *shown[-_LAST:]]
    console.print(Text("  ".join(shown)))


def _print_lineage(console: Console, record: StudyRecord, trial: TrialRecord) -> None:
    """The trials behind a branch, with the parameters that changed on the way."""
    stretches = lineage_of(record, trial)
    if not stretches:
        return
    changed = [
        path
        for path in trial.params
        if any(each.params.get(path) != trial.params[path] for each in stretches)
    ]
    names = short_names(trial.params)
    columns = [
        *number_columns("trial"),
        TableColumn("epochs"),
        *number_columns(*(clean(names[path]) for path in changed)),
    ]
    rows = [
        [
            each.trial,
            f"{each.first_epoch} to {each.last_epoch}"
            if each.last_epoch >= each.first_epoch
            else NOTHING,
            *(
                format_value(each.params[path]) if path in each.params else NOTHING
                for path in changed
            ),
        ]
        for each in stretches
    ]
    console.print()
    print_rows(console, columns, rows)


def _print_attempts(console: Console, trial: TrialRecord) -> None:
    if len(trial.attempts) < 2 and not any(attempt.message for attempt in trial.attempts):
        return
    has_nodes = any(attempt.node for attempt in trial.attempts)
    columns = [
        *number_columns("attempt"),
        *(TableColumn(name) for name in ("started", "time", *(["node"] if has_nodes else []))),
        TableColumn("cause"),
        TableColumn("message", is_folded=True),
    ]
    console.print()
    print_rows(console, columns, [_attempt_row(each, has_nodes) for each in trial.attempts])


def _attempt_row(attempt: AttemptRecord, has_nodes: bool) -> list[object]:
    seconds = (attempt.ended - attempt.started).total_seconds() if attempt.ended else None
    return [
        attempt.number,
        local_time(attempt.started),
        format_duration(seconds),
        *([clean(attempt.node) or NOTHING] if has_nodes else []),
        attempt.cause or "running",
        attempt.message or "",
    ]


def _files(trial: TrialRecord) -> _Pairs:
    folder = TrialFolder(trial.folder)
    places = {
        "config": folder.config,
        "log": folder.log,
        "metrics": folder.metrics,
        "checkpoint": value_checkpoint(folder),
        "best checkpoint": folder.best_ckpt,
        "last checkpoint": folder.last_ckpt,
    }
    named_once = {path: name for name, path in reversed(places.items())}
    return [
        (name, path) for name, path in places.items() if named_once[path] == name and path.exists()
    ]
