"""`search check`: is a study file sound, and what will its study take."""

from __future__ import annotations

import sys

from search.commands.options import (
    Direction,
    Json,
    Metric,
    ScriptModule,
    SetValues,
    SpaceValues,
    StudyFileOrName,
    Trials,
    Workers,
)
from search.errors import StudyFileError

_DEFAULT_TRIALS = 50


def check(
    study_file: StudyFileOrName = None,
    module: ScriptModule = None,
    trials: Trials = None,
    workers: Workers = "auto",
    set_: SetValues = None,
    space: SpaceValues = None,
    metric: Metric = None,
    direction: Direction = None,
    json: Json = False,
) -> None:
    """Try a study file out in a short dry trial, and say what the study will take."""
    from search.commands.given_study import OnCommandLine, given_study
    from search.commands.option_values import worker_count
    from search.engine.dry_trial import dry_trials
    from search.engine.estimate import bill
    from search.view.checks import FAILED, checks_json, print_checks
    from search.view.dry_trial_checks import checks_of

    said = OnCommandLine(set_ or (), space or (), metric, direction)
    given = given_study(study_file, module, said)
    loaded, source = given.study_file, given.source
    if given.note is not None and not json:
        print(given.note)
    count = worker_count("--workers", workers)
    asked = trials or loaded.budget.trials or _DEFAULT_TRIALS
    if not json:
        print(f"{source}: loading torch, then two short trials", flush=True)
    tried = dry_trials(loaded, source, given.folder, workers=count, trials=asked)
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
    failed = [f"{source}: {each.text}" for each in checks if each.state == FAILED]
    if failed:
        sys.stdout.flush()
        raise StudyFileError(failed)
