"""The verdicts on a trial, as `search why` shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from rich.text import Text

from search.plain.strict_json import to_json
from search.results.verdicts import VerdictRecord
from search.store.audit_figures import audit_figures, audit_text, was_wrong
from search.store.records import StudyRecord, TrialRecord
from search.study_file.curve_steps import step_text
from search.view.console import STATE_STYLES, plain_console
from search.view.rows import print_lines
from search.view.terminal_text import clean
from search.view.trial_table import trial_title


def print_verdicts(
    record: StudyRecord, trial: TrialRecord, verdicts: Sequence[VerdictRecord], stream: TextIO
) -> None:
    """A line for each verdict: when, what, why."""
    console = plain_console(stream)
    state = Text(trial.state_word, style=STATE_STYLES.get(trial.state, "cyan"))
    console.print(Text.assemble(trial_title(record, trial), state))
    lines = [_line(record, each) for each in verdicts]
    print_lines(console, lines or [Text("nothing was decided on it so far", style="dim")])
    if (wrong := was_wrong(record, trial)) is not None:
        word = "wrong" if wrong else "right"
        print_lines(console, [Text(f"stopping it would have been {word}")])
    if (audit := audit_text(audit_figures(record))) is not None:
        print_lines(console, [Text(f"{clean(record.name)} {audit}", style="dim")])


def verdicts_json(
    record: StudyRecord, trial: TrialRecord, verdicts: Sequence[VerdictRecord]
) -> str:
    """The same as JSON."""
    tree = {
        "study": record.name,
        "trial": trial.number,
        "state": trial.state,
        "is_paused": trial.is_paused,
        "verdicts": list(verdicts),
        "was_wrong": was_wrong(record, trial),
        "audit": audit_figures(record),
    }
    return to_json(tree, indent=2)


def _line(record: StudyRecord, verdict: VerdictRecord) -> Text:
    where = f" at {step_text(record.steps, verdict.step)}" if verdict.step else ""
    why = "no reason was written" if verdict.why is None else clean(verdict.why)
    return Text(f"{verdict.verdict}{where}: {why}")
