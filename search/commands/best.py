"""`search best`."""

from __future__ import annotations

import sys

from search.commands.options import Json, Storage, StudiesDir, Study, StudyName, one_study
from search.layout import STUDIES_DIR


def best(
    study: Study = None,
    option: StudyName = None,
    storage: Storage = None,
    studies: StudiesDir = STUDIES_DIR,
    json: Json = False,
) -> None:
    """Show the best trial, or the Pareto front: parameters, values, checkpoint."""
    from search.commands.locate import load_study
    from search.commands.named_trial import best_trials
    from search.view import trial_table

    record = load_study(one_study(study, option), studies, storage)
    best_trials(record)  # refuses a study without one
    if json:
        print(trial_table.best_json(record))
    else:
        trial_table.print_best(record, sys.stdout)
