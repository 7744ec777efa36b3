"""`search check`: is a study file sound, and what will its study take."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator

from search.commands.locate import find_file
from search.commands.run import worker_count
from search.engine.dry_trial import DryTrials, dry_trials
from search.engine.estimate import bill
from search.errors import StudyFileError
from search.plain.metric_names import likely_direction
from search.study_file.load import load_study_file
from search.study_file.schema import StudyFile
from search.view.checks import FAILED, OK, WARNING, Check, checks_json, print_checks

_DEFAULT_TRIALS = 50


def check_command(word: str | None, *, trials: int | None, workers: str, json: bool) -> None:
    """Try a study file out, print what was checked and the bill; nothing is written.

    Raises:
        StudyFileError: the study file cannot be run, or its dry trial failed a check.
    """
    found = find_file(word)
    path = found.path
    if found.note is not None and not json:
        print(found.note)
    study_file = load_study_file(path)
    count = worker_count("--workers", workers, study_file.trainer)
    asked = trials or study_file.budget.trials or _DEFAULT_TRIALS
    if not json:
        print(f"{path}: loading torch, then two short trials", flush=True)
    tried = dry_trials(study_file, path, count)
    checks = list(_checks(tried.study_file, tried))
    amount = bill(
        tried.first,
        trials=asked,
        workers=count,
        kept=study_file.keep.top,
        gpus=len(tried.facts.gpus) if tried.facts.gpus_a_trial else 0,
    )
    if json:
        print(checks_json(checks, amount))
    else:
        print_checks(checks, amount, sys.stdout)
    failed = [f"{path}: {each.text}" for each in checks if each.state == FAILED]
    if failed:
        sys.stdout.flush()
        raise StudyFileError(failed)


def _checks(study_file: StudyFile, tried: DryTrials) -> Iterator[Check]:
    first, metric = tried.first, tried.first.metric
    searched = len(study_file.space)
    are = f"the {searched} searched change" if searched > 1 else "the one searched changes"
    yield Check("paths", OK, f"{are} the model, its data, its optimizer or its Trainer")
    if first.value is None or not math.isfinite(first.value):
        text = (
            f"objective: {metric} is {first.value} after {first.train_batches} batches "
            "with values in the middle of their ranges. Narrow the space, or mend the metric."
        )
        yield Check("metric", FAILED, text)
    else:
        text = f"{metric} is logged, {first.value:.5g} after {first.train_batches} batches"
        yield Check("metric", OK, text)
    for note in tried.facts.notes:
        yield Check("metric", WARNING if tried.facts.validates else OK, note)
    yield _direction(study_file)
    yield _repeatable(tried)
    yield _checkpoint(tried)


def _direction(study_file: StudyFile) -> Check:
    """Whether the names of the metrics agree with what is wanted of them."""
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
