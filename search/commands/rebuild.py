"""`search rebuild`."""

from __future__ import annotations

from search.commands.options import Storage, StudiesDir, Study, StudyName, one_study
from search.layout import STUDIES_DIR


def rebuild(
    study: Study = None,
    option: StudyName = None,
    storage: Storage = None,
    studies: StudiesDir = STUDIES_DIR,
) -> None:
    """Make the database again from the events files of the trials."""
    from search.commands.locate import find_study
    from search.store.rebuild import rebuild as rebuild_database

    folder = find_study(one_study(study, option), studies)
    done = rebuild_database(folder, storage)
    trials = f"{done.trials} trial{'' if done.trials == 1 else 's'}"
    if done.agreed:
        print(f"{folder.name}: the database and the events of {trials} agree, nothing to do")
        return
    print(f"{folder.name}: {trials} restored from the events")
    if done.before is not None:
        print(f"the database before: {done.before}")
