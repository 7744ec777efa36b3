"""`search export`: one trial as a folder, or all of them as a table."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from search.commands.options import Storage, StudiesDir, Study, StudyName, TrialNumber, one_study
from search.errors import UserError
from search.layout import STUDIES_DIR
from search.plain.wording import did_you_mean

if TYPE_CHECKING:
    from search.store.records import StudyRecord


def export(
    study: Study = None,
    folder: Annotated[
        str | None,
        typer.Argument(
            help="Folder to make of the best trial, to train it without this tool.",
            metavar="FOLDER",
            show_default=False,
        ),
    ] = None,
    option: StudyName = None,
    trial: TrialNumber = None,
    format_: Annotated[
        str | None, typer.Option("--format", help="Instead, every trial in a table: csv or json.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File of that table, if not standard output."),
    ] = None,
    storage: Storage = None,
    studies: StudiesDir = STUDIES_DIR,
) -> None:
    """Export the best trial as a folder, or every trial as CSV or JSON."""
    from search.commands.locate import load_study

    words = [each for each in (study, folder) if each is not None]
    named, target = _study_and_folder(words, option, studies)
    if named is not None and target is None and format_ is None and output is None:
        print(
            f"{named}: its trials as a table; `search export {named} FOLDER` makes a folder of the "
            "best one",
            file=sys.stderr,
        )
    name = one_study(named, option)
    if target is None:
        if trial is not None:
            raise UserError("--trial: goes with a folder. Write `search export FOLDER --trial N`.")
        table = _table_format(format_)
        _export_table(load_study(name, studies, storage), table, output)
        return
    if format_ is not None or output is not None:
        raise UserError(
            f"{target}: a folder is of one trial, --format and --output are of all. Give one of "
            "them."
        )
    _export_trial(load_study(name, studies, storage), trial, target)


def _study_and_folder(
    words: Sequence[str], option: str | None, studies: Path
) -> tuple[str | None, Path | None]:
    """The study and the folder that the words of `export` are; one alone is the study, where there
    is one of that name and no --study."""
    from search.commands.locate import is_name_of_study

    if len(words) == 2:
        return words[0], Path(words[1])
    if not words:
        return None, None
    if option is None and is_name_of_study(words[0], studies):
        return words[0], None
    return None, Path(words[0])


def _table_format(given: str | None) -> str:
    if given not in (None, "csv", "json"):
        remedy = did_you_mean(given, ("csv", "json"))
        raise UserError(f"--format: must be csv or json, got {given}. {remedy}")
    return given or "csv"


def _export_table(record: StudyRecord, table: str, output: Path | None) -> None:
    from search.commands.output_file import write_output
    from search.report.csv_json import export_csv, export_json

    text = export_csv(record) if table == "csv" else export_json(record)
    if output is None:
        sys.stdout.write(text)
    else:
        write_output(output, text)
        print(output)


def _export_trial(record: StudyRecord, number: int | None, target: Path) -> None:
    from search.commands.named_trial import chosen_trial
    from search.results.export import export_trial
    from search.results.finished_trial import finished_trial

    finished = finished_trial(record, chosen_trial(record, number))
    command = export_trial(finished, target)
    trial, metric = finished.trial, finished.study.metric
    print(f"{target}: trial {trial.number} of {record.name}, {metric} {trial.value}")
    print(f"train it again: {shlex.join(command)}")
