"""The dry trials of `search check` as the lines that a user reads."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from search.plain.formats import format_number
from search.plain.metric_names import likely_direction
from search.view.checks import FAILED, OK, WARNING, Check

if TYPE_CHECKING:
    from search.engine.dry_trial import DryTrials
    from search.study_file.schema import StudyFile


def checks_of(tried: DryTrials) -> list[Check]:
    """A check for each thing that the dry trials were to show."""
    notes_state = WARNING if tried.facts.validates else OK
    return [
        _paths(tried.study_file),
        _metric(tried),
        *(Check("metric", notes_state, note) for note in tried.facts.notes),
        _direction(tried.study_file),
        _repeatable(tried),
        _checkpoint(tried),
    ]


def _paths(study_file: StudyFile) -> Check:
    searched = len(study_file.space)
    are = f"the {searched} searched change" if searched > 1 else "the one searched changes"
    return Check("paths", OK, f"{are} the model, its data, its optimizer or its Trainer")


def _metric(tried: DryTrials) -> Check:
    first = tried.first
    if first.value is None or not math.isfinite(first.value):
        text = (
            f"objective: {first.metric} is {first.value} after {first.train_batches} batches "
            "with values in the middle of their ranges. Narrow the space, or mend the metric."
        )
        return Check("metric", FAILED, text)
    value = format_number(first.value)
    text = f"{first.metric} is logged, {value} after {first.train_batches} batches"
    return Check("metric", OK, text)


def _direction(study_file: StudyFile) -> Check:
    """Compare the names of the metrics with the directions that the study file gives them."""
    for each in study_file.judged:
        likely = likely_direction(each.metric)
        if likely not in (None, each.direction):
            text = (
                f"objective: {each.metric} sounds like one to {likely}, got {each.direction}. "
                "Turn it round if that is not meant."
            )
            return Check("direction", WARNING, text)
    wanted = ", ".join(f"{each.direction} {each.metric}" for each in study_file.judged)
    return Check("direction", OK, wanted)


def _repeatable(tried: DryTrials) -> Check:
    if tried.agree:
        text = f"two runs of {tried.first.train_batches} batches with one seed agree bit for bit"
        return Check("repeatable", OK, text)
    text = (
        f"two runs with one seed differ: {tried.first.value} and {tried.second.value}. "
        "Look for random numbers without the seed, or set trainer.deterministic: true."
    )
    return Check("repeatable", WARNING, text)


def _checkpoint(tried: DryTrials) -> Check:
    problem = tried.first.checkpoint_problem
    if problem is None and tried.first.resumption is not None:
        return Check("checkpoint", WARNING, tried.first.resumption)
    if problem is None:
        return Check("checkpoint", OK, "saved, loaded, and gone on from as if nothing had happened")
    text = (
        f"model: a checkpoint was saved, but training does not go on from it: "
        f"{problem.rstrip('.')}. Correct it there."
    )
    return Check("checkpoint", FAILED, text)
