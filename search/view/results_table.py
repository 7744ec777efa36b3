"""What comes out of a study, on the console: test metrics, and finalists over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TextIO

from rich.text import Text

from search.layout import TrialFolder
from search.results.comparison import CONFIDENCE, Comparison
from search.results.confirm import Finalist, Verdict
from search.store.records import StudyRecord, TrialRecord
from search.study_file.value_checkpoint import value_checkpoint
from search.view.console import plain_console
from search.view.json_lines import to_json
from search.view.rows import Column, print_pairs, print_rows
from search.view.terminal_text import clean, number, parameters


def print_test(
    record: StudyRecord, trial: TrialRecord, metrics: Mapping[str, float], stream: TextIO
) -> None:
    """A line a metric of the test set."""
    console = plain_console(stream)
    title = f"{clean(record.name)}, trial {trial.number}  "
    which = value_checkpoint(TrialFolder(trial.folder)).stem
    console.print(Text.assemble((title, "bold"), f"{which} checkpoint on the test set"))
    pairs = [
        (Text(clean(name), style="dim"), Text(number(value), style="bold"))
        for name, value in metrics.items()
    ]
    print_pairs(console, pairs)


def test_json(record: StudyRecord, trial: TrialRecord, metrics: Mapping[str, float]) -> str:
    """The metrics of the test set as a JSON object."""
    return to_json({"study": record.name, "trial": trial.number, "metrics": metrics}, indent=2)


def print_verdict(verdict: Verdict, stream: TextIO) -> None:
    """A row a finalist, and in words which of them can be told apart."""
    console = plain_console(stream)
    percent = round(CONFIDENCE * 100)
    heads = ("trial", "mean", f"{percent} % interval", "seeds", "failed", "in the search")
    columns = [Column(name, is_number=True) for name in heads]
    rows = [
        [
            Text(str(each.number)),
            Text(number(each.spread.mean), style="bold"),
            Text(f"{number(each.spread.low)} to {number(each.spread.high)}"),
            Text(str(len(each.values))),
            Text(str(each.failed)),
            Text(number(each.searched)),
            Text(parameters(each.params)),
        ]
        for each in verdict.finalists
    ]
    title = f"{clean(verdict.study)} confirmed, {clean(verdict.metric)} ({verdict.direction})"
    console.print(Text(title, style="bold"))
    print_rows(console, [*columns, Column("parameters", is_folded=True)], rows)
    for sentence in sentences(verdict):
        console.print(Text(sentence), soft_wrap=True)


def verdict_json(verdict: Verdict) -> str:
    """The finalists and their comparisons as a JSON object."""
    body = asdict(verdict)
    body["comparisons"] = [
        {**asdict(each), "told_apart": each.is_told_apart} for each in verdict.comparisons
    ]
    return to_json({**body, "sentences": sentences(verdict)}, indent=2)


def sentences(verdict: Verdict) -> list[str]:
    """What the numbers say, in words."""
    words = [_compared(each) for each in verdict.comparisons]
    return [*words, *(s for each in verdict.finalists if (s := _lucky(verdict, each)) is not None)]


def _compared(each: Comparison) -> str:
    pair = f"trial {each.best} and trial {each.other}"
    if math.isnan(each.p):
        return f"{pair} cannot be compared: fewer than two seeds of one of them have a value."
    if each.is_told_apart:
        return f"trial {each.best} is better than trial {each.other} (p = {each.p:.2g})."
    return f"{pair} cannot be told apart by these seeds (p = {each.p:.2g})."


def _lucky(verdict: Verdict, each: Finalist) -> str | None:
    """Told where a search promised more than any seed here keeps."""
    if not each.values:
        return None
    minimizes = verdict.direction == "minimize"
    best = min(each.values) if minimizes else max(each.values)
    if (each.searched >= best) if minimizes else (each.searched <= best):
        return None
    return (
        f"trial {each.number} was lucky in the search: {number(each.searched)} there, "
        f"{number(best)} at best over {len(each.values)} seeds."
    )
