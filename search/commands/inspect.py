"""`search status`, `search show` and `search best`."""

from __future__ import annotations

import sys
from pathlib import Path

from search.commands.locate import load_study
from search.engine.places import check_readable
from search.engine.provenance import read_provenance, summary, trial_seed
from search.engine.reading import folders_in, is_study, read_study
from search.engine.records import StudyRecord
from search.errors import StorageError, StudyFailed, UserError
from search.study.layout import StudyFolder, TrialFolder
from search.view import status, tables


def status_command(studies: Path, *, json: bool) -> None:
    """Print every study here; one that cannot be read gets its line on standard error."""
    records: list[StudyRecord] = []
    for folder in folders_in(studies):
        try:
            check_readable(folder.root)
            if not is_study(folder):
                continue
            records.append(read_study(folder))
        except StorageError as error:
            print(error, file=sys.stderr)
    if json:
        print(status.status_json(records))
    else:
        status.print_status(records, sys.stdout)


def show_command(
    number: int, study: str | None, studies: Path, storage: str | None, *, json: bool
) -> None:
    """Print one trial."""
    record = load_study(study, studies, storage)
    if number >= len(record.trials):
        has = f"0 to {len(record.trials) - 1}" if record.trials else "none yet"
        raise UserError(f"{record.name}: no trial {number}. Its trials are {has}.")
    trial = next(trial for trial in record.trials if trial.number == number)
    seed = trial_seed(TrialFolder(trial.folder))
    made = read_provenance(StudyFolder(record.folder))
    if json:
        print(tables.trial_json(record, trial, seed, made))
    else:
        tables.print_trial(record, trial, seed, summary(made) if made else (), sys.stdout)


def best_command(study: str | None, studies: Path, storage: str | None, *, json: bool) -> None:
    """Print the best trial, or the Pareto front of several objectives."""
    record = load_study(study, studies, storage)
    if not record.front:
        if any(trial.infeasible for trial in record.trials):
            kept = ", ".join(record.outcome_constraints)
            raise StudyFailed(f"{record.name}: no finished trial keeps to {kept}.")
        raise StudyFailed(f"{record.name}: no trial has finished yet. Go on with `search resume`.")
    if json:
        print(tables.best_json(record))
    else:
        tables.print_best(record, sys.stdout)
