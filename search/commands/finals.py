"""`search export`, `search test` and `search replay`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from search.commands.locate import is_name_of_study, load_study
from search.commands.naming import one_study
from search.errors import ReplayFailed, StudyFailed, UserError
from search.layout import STUDIES_DIR
from search.store.records import StudyRecord, TrialRecord


def export_command(
    words: Sequence[str],
    option: str | None,
    studies: Path,
    storage: str | None,
    *,
    number: int | None,
    table: str | None,
    output: Path | None,
) -> None:
    """Export one trial as a folder, or all of them as a table.

    Args:
        words: the study, where it is named in place, and the folder of one trial; without a folder
            the table.
        number: of that trial; None for the best.
        table: csv or json.
    """
    named, folder = _study_and_folder(words, option, studies)
    if named is not None and folder is None and table is None and output is None:
        print(
            f"{named}: its trials as a table; `search export {named} FOLDER` makes a folder of the "
            "best one",
            file=sys.stderr,
        )
    study = one_study(named, option)
    if folder is None:
        from search.commands.report import export_table

        if number is not None:
            raise UserError("--trial: goes with a folder. Write `search export FOLDER --trial N`.")
        return export_table(study, studies, storage, table=table or "csv", output=output)
    if table is not None or output is not None:
        raise UserError(
            f"{folder}: a folder is of one trial, --format and --output are of all. Give one of "
            "them."
        )
    from search.results.export import export_trial
    from search.results.finished_trial import finished_trial

    record = load_study(study, studies, storage)
    trial = trial_of(record, number)
    finished = finished_trial(record, trial)
    command = export_trial(finished, folder)
    metric, value = finished.study.metric, finished.trial.value
    print(f"{folder}: trial {trial.number} of {record.name}, {metric} {value}")
    print(f"train it again: {shlex.join(command)}")
    return None


def _study_and_folder(
    words: Sequence[str], option: str | None, studies: Path
) -> tuple[str | None, Path | None]:
    """The study and the folder that the words of `export` are; one alone is the study, where there
    is one of that name and no --study."""
    if len(words) == 2:
        return words[0], Path(words[1])
    if not words:
        return None, None
    if option is None and is_name_of_study(words[0], studies):
        return words[0], None
    return None, Path(words[0])


def test_command(
    study: str | None, studies: Path, storage: str | None, *, number: int | None, json: bool
) -> None:
    """Print what the test loop logs for the checkpoint of a trial."""
    from search.results.finished_trial import finished_trial, test_trial
    from search.view import results_table

    record = load_study(study, studies, storage)
    finished = finished_trial(record, trial_of(record, number))
    metrics = test_trial(finished)
    if json:
        print(results_table.test_json(record, finished.trial, metrics))
    else:
        results_table.print_test(record, finished.trial, metrics, sys.stdout)


def replay_command(folder: Path, tolerance: float) -> None:
    """Train an exported folder again and compare.

    Raises:
        ReplayFailed: the values differ by more than `tolerance`.
    """
    from search.results.replay import read_export, retrain

    if is_name_of_study(str(folder), STUDIES_DIR):
        raise UserError(
            f"{folder}: is a study, and what is replayed is an exported folder. Make one: "
            f"`search export {folder} FOLDER`."
        )
    exported = read_export(folder)
    if others := exported.other_versions:
        print(f"{folder}: made with other versions: {', '.join(others)}", file=sys.stderr)
    now = retrain(exported)
    difference = abs(now - exported.value)
    print(f"{exported.metric} then  {exported.value!r}")
    print(f"{exported.metric} now   {now!r}")
    print(f"difference  {difference:.3g}", flush=True)
    if not difference <= tolerance:
        raise ReplayFailed(
            f"{folder}: {exported.metric} must come back within {tolerance:g}, got a difference of "
            f"{difference:.3g}. Compare config.yaml, data and versions with REPRODUCE.md."
        )


def trial_of(record: StudyRecord, number: int | None) -> TrialRecord:
    """The trial of a number, or the best one.

    Raises:
        UserError: there is no such trial.
        StudyFailed: none has finished.
    """
    if number is None:
        if record.several:
            front = ", ".join(str(trial.number) for trial in record.front)
            raise UserError(
                f"{record.name}: several objectives have no best trial. Name one of the front with "
                f"--trial: {front or 'none is there yet'}."
            )
        if record.best is None:
            raise StudyFailed(
                f"{record.name}: no trial has finished yet. Go on with `search resume`."
            )
        return record.best
    trial = next((trial for trial in record.trials if trial.number == number), None)
    if trial is None:
        has = f"0 to {len(record.trials) - 1}" if record.trials else "none yet"
        raise UserError(f"{record.name}: no trial {number}. Its trials are {has}.")
    return trial
