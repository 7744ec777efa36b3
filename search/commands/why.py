"""`search why`."""

from __future__ import annotations

import sys

from search.commands.options import (
    Json,
    NumberInPlace,
    Storage,
    StudiesDir,
    Study,
    StudyName,
    one_study,
)
from search.layout import STUDIES_DIR, TrialFolder


def why(
    study: Study = None,
    number: NumberInPlace = None,
    option: StudyName = None,
    storage: Storage = None,
    studies: StudiesDir = STUDIES_DIR,
    json: Json = False,
) -> None:
    """Say why a trial was pruned, paused or gone on with, with figures."""
    from search.commands.locate import load_study
    from search.commands.named_trial import trial_named, trial_numbered
    from search.results.verdicts import verdicts_of
    from search.view import verdict_table

    words = [each for each in (study, number) if each is not None]
    in_place, wanted = trial_named("why", words)
    record = load_study(one_study(in_place, option), studies, storage)
    trial = trial_numbered(record, wanted)
    verdicts = verdicts_of(TrialFolder(trial.folder))
    if json:
        print(verdict_table.verdicts_json(record, trial, verdicts))
    else:
        verdict_table.print_verdicts(record, trial, verdicts, sys.stdout)
