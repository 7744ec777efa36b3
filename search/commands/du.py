"""`search du`."""

from __future__ import annotations

import sys

from search.commands.options import Json, StudiesDir, Study, StudyName, one_study
from search.layout import STUDIES_DIR


def du(
    study: Study = None,
    option: StudyName = None,
    studies: StudiesDir = STUDIES_DIR,
    json: Json = False,
) -> None:
    """Show what studies take on disk: checkpoints, logs, database, events, the rest."""
    from search.commands.locate import find_study
    from search.store.disk_usage import usage
    from search.store.reading import studies_in
    from search.view import disk_table

    name = one_study(study, option)
    folders = studies_in(studies) if name is None else [find_study(name, studies)]
    taken = usage(folders)
    if json:
        print(disk_table.usage_json(taken))
    else:
        disk_table.print_usage(taken, sys.stdout)
