"""`search check`: is a study file sound, and what will its study take."""

from __future__ import annotations

import sys

from search.commands.options import Json, StudyFileOrName, Trials, Workers
from search.errors import StudyFileError

_DEFAULT_TRIALS = 50


def check(
    study_file: StudyFileOrName = None,
    trials: Trials = None,
    workers: Workers = "auto",
    json: Json = False,
) -> None:
    """Try a study file out in a short dry trial, and say what the study will take."""
    from search.commands.locate import find_file
    from search.commands.option_values import worker_count
    from search.engine.dry_trial import dry_trials
    from search.engine.estimate import bill
    from search.study_file.load import load_study_file
    from search.view.checks import FAILED, checks_json, print_checks
    from search.view.dry_trial_checks import checks_of

    found = find_file(study_file)
    path = found.path
    if found.note is not None and not json:
        print(found.note)
    loaded = load_study_file(path)
    count = worker_count("--workers", workers)
    asked = trials or loaded.budget.trials or _DEFAULT_TRIALS
    if not json:
        print(f"{path}: loading torch, then two short trials", flush=True)
    tried = dry_trials(loaded, path, workers=count, trials=asked)
    checks = checks_of(tried)
    amount = bill(
        tried.first,
        trials=asked,
        workers=tried.choice.workers,
        kept=loaded.keep.top,
        gpus=len(tried.facts.gpus) if tried.facts.gpus_a_trial else 0,
    )
    if json:
        print(checks_json(checks, amount))
    else:
        print_checks(checks, amount, str(tried.choice), sys.stdout)
    failed = [f"{path}: {each.text}" for each in checks if each.state == FAILED]
    if failed:
        sys.stdout.flush()
        raise StudyFileError(failed)
