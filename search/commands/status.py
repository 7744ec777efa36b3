"""`search status`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from search.commands.options import Json, StudiesDir, StudyName, one_study
from search.errors import StorageError
from search.layout import STUDIES_DIR


def status(
    study: Annotated[
        str | None,
        typer.Argument(
            help="Name or folder of one study; all here without.",
            metavar="STUDY",
            show_default=False,
        ),
    ] = None,
    option: StudyName = None,
    studies: StudiesDir = STUDIES_DIR,
    json: Json = False,
) -> None:
    """List the studies here: state, trials, best value, time."""
    from search.commands.locate import find_study
    from search.store.placement import check_readable
    from search.store.reading import folders_in, is_study, read_study
    from search.view import study_table

    name = one_study(study, option)
    folders = folders_in(studies) if name is None else [find_study(name, studies)]
    records = []
    for folder in folders:
        # one that cannot be read is no reason to keep quiet about the others
        try:
            check_readable(folder.root)
            if is_study(folder):
                records.append(read_study(folder))
        except StorageError as error:
            print(error, file=sys.stderr)
    if json:
        print(study_table.status_json(records))
    else:
        study_table.print_status(records, sys.stdout)
