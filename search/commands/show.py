"""`search show`."""

from __future__ import annotations

import shlex
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
from search.layout import STUDIES_DIR, StudyFolder, TrialFolder


def show(
    study: Study = None,
    number: NumberInPlace = None,
    option: StudyName = None,
    storage: Storage = None,
    studies: StudiesDir = STUDIES_DIR,
    json: Json = False,
) -> None:
    """Show one trial: parameters, curve, cause, attempts, files."""
    from search.commands.locate import load_study
    from search.commands.named_trial import trial_named, trial_numbered
    from search.store.provenance.record import read_provenance, summary, trial_seed
    from search.study_file.script_command import command_of
    from search.study_file.trial_config import read_sections
    from search.view import trial_table
    from search.view.warm_start_text import warm_start_text

    words = [each for each in (study, number) if each is not None]
    in_place, wanted = trial_named("show", words)
    record = load_study(one_study(in_place, option), studies, storage)
    trial = trial_numbered(record, wanted)
    config = TrialFolder(trial.folder).config
    seed = trial_seed(TrialFolder(trial.folder))
    made = read_provenance(StudyFolder(record.folder))
    runs = command_of(read_sections(config)) if config.is_file() else None
    if json:
        print(trial_table.trial_json(record, trial, seed, made))
    else:
        lines = [("runs", shlex.join(runs))] if runs else []
        if (learnt := warm_start_text(record)) is not None:
            lines.append(("learns from", learnt))
        lines += summary(made) if made else []
        trial_table.print_trial(record, trial, seed, lines, sys.stdout)
