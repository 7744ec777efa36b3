"""`search nodes`."""

from __future__ import annotations

import sys

from search.commands.options import Json, StudiesDir, Study, StudyName, one_study
from search.layout import STUDIES_DIR, StudyFolder


def nodes(
    study: Study = None,
    option: StudyName = None,
    studies: StudiesDir = STUDIES_DIR,
    json: Json = False,
) -> None:
    """Show the machines of a study that runs on a cluster: who works on what."""
    from datetime import UTC, datetime

    from search.commands.locate import find_study
    from search.store.cluster_nodes import is_running, read_nodes
    from search.view import nodes_table

    name = one_study(study, option)
    begun = StudyFolder(studies / name) if name else None
    # a study is made once its study file was checked, for which a job may wait for hours
    is_begun = begun is not None and begun.nodes.is_file()
    folder = begun if begun is not None and is_begun else find_study(name, studies)
    found, is_on, now = read_nodes(folder), is_running(folder), datetime.now(UTC)
    if json:
        print(nodes_table.nodes_json(folder.name, found, is_running=is_on, now=now))
    else:
        nodes_table.print_nodes(folder.name, found, sys.stdout, is_running=is_on, now=now)
