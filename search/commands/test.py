"""`search test`."""

from __future__ import annotations

import sys

from search.commands.options import (
    Json,
    Storage,
    StudiesDir,
    Study,
    StudyName,
    TrialNumber,
    one_study,
)
from search.layout import STUDIES_DIR


def test(
    study: Study = None,
    option: StudyName = None,
    trial: TrialNumber = None,
    storage: Storage = None,
    studies: StudiesDir = STUDIES_DIR,
    json: Json = False,
) -> None:
    """Run the test loop of the best checkpoint."""
    from search.commands.locate import load_study
    from search.commands.named_trial import chosen_trial
    from search.results.finished_trial import finished_trial, test_trial
    from search.view import results_table

    record = load_study(one_study(study, option), studies, storage)
    finished = finished_trial(record, chosen_trial(record, trial))
    metrics = test_trial(finished)
    if json:
        print(results_table.test_json(record, finished.trial, metrics))
    else:
        results_table.print_test(record, finished.trial, metrics, sys.stdout)
