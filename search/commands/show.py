"""`search show`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from search.commands.options import Json, Storage, StudiesDir, Study, StudyName, one_study
from search.errors import UserError, printable
from search.layout import STUDIES_DIR, StudyFolder, TrialFolder


def show(
    study: Study = None,
    number: Annotated[
        str | None, typer.Argument(help="Number of the trial.", metavar="N", show_default=False)
    ] = None,
    option: StudyName = None,
    storage: Storage = None,
    studies: StudiesDir = STUDIES_DIR,
    json: Json = False,
) -> None:
    """Show one trial: parameters, curve, cause, attempts, files."""
    from search.commands.locate import load_study
    from search.commands.named_trial import trial_numbered
    from search.store.provenance.record import read_provenance, summary, trial_seed
    from search.study_file.script_command import command_of
    from search.study_file.trial_config import read_sections
    from search.view import trial_table

    in_place, wanted = _trial_named([each for each in (study, number) if each is not None])
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
        lines += summary(made) if made else []
        trial_table.print_trial(record, trial, seed, lines, sys.stdout)


def _trial_named(words: Sequence[str]) -> tuple[str | None, int]:
    """The study, where it is named in place, and the number of the trial."""
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
