"""`search status`, `search show` and `search best`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from search.commands.locate import find_study, load_study
from search.commands.naming import one_study
from search.errors import StorageError, StudyFailed, UserError, printable
from search.layout import StudyFolder, TrialFolder
from search.store.placement import check_readable
from search.store.provenance.record import read_provenance, summary, trial_seed
from search.store.reading import folders_in, is_study, read_study
from search.store.records import StudyRecord
from search.view import study_table, trial_table


def status_command(study: str | None, studies: Path, *, json: bool) -> None:
    """Print a study, or every one here; one that cannot be read gets its line on standard error."""
    folders = folders_in(studies) if study is None else [find_study(study, studies)]
    records: list[StudyRecord] = []
    for folder in folders:
        try:
            check_readable(folder.root)
            if not is_study(folder):
                continue
            records.append(read_study(folder))
        except StorageError as error:
            print(error, file=sys.stderr)
    if json:
        print(study_table.status_json(records))
    else:
        study_table.print_status(records, sys.stdout)


def show_command(
    words: Sequence[str], option: str | None, studies: Path, storage: str | None, *, json: bool
) -> None:
    """Print one trial.

    Args:
        words: the study, where it is named in place, and the number of the trial.
    """
    study, number = _trial_named(words)
    record = load_study(one_study(study, option), studies, storage)
    if number >= len(record.trials):
        has = f"0 to {len(record.trials) - 1}" if record.trials else "none yet"
        raise UserError(f"{record.name}: no trial {number}. Its trials are {has}.")
    trial = next(trial for trial in record.trials if trial.number == number)
    seed = trial_seed(TrialFolder(trial.folder))
    made = read_provenance(StudyFolder(record.folder))
    if json:
        print(trial_table.trial_json(record, trial, seed, made))
    else:
        trial_table.print_trial(record, trial, seed, summary(made) if made else (), sys.stdout)


def _trial_named(words: Sequence[str]) -> tuple[str | None, int]:
    *named, last = words or ("",)
    # the other way round as well, unless both are numbers
    if len(named) == 1 and _is_number(named[0]) and not _is_number(last):
        named, last = [last], named[0]
    if len(named) > 1 or not _is_number(last):
        raise UserError(
            f"show: must be STUDY N, got {printable(' '.join(words), 100) or 'nothing'}. "
            "Write `search show STUDY 17`."
        )
    return (named[0] if named else None), int(last)


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 10


def best_command(study: str | None, studies: Path, storage: str | None, *, json: bool) -> None:
    """Print the best trial, or the Pareto front of several objectives."""
    record = load_study(study, studies, storage)
    if not record.front:
        if any(trial.infeasible for trial in record.trials):
            kept = ", ".join(record.outcome_constraints)
            raise StudyFailed(f"{record.name}: no finished trial keeps to {kept}.")
        raise StudyFailed(f"{record.name}: no trial has finished yet. Go on with `search resume`.")
    if json:
        print(trial_table.best_json(record))
    else:
        trial_table.print_best(record, sys.stdout)
