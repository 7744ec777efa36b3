"""`search rebuild`: the database of a study made again from its events files."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from search.errors import StorageError
from search.layout import StudyFolder
from search.store.creation import check_reachable
from search.store.database.agreement import own_differences, replace_own, shared_database
from search.store.database.connection import close_database, send_chatter_to
from search.store.database.url import address_of
from search.store.events.optuna_trials import OptunaStudy, optuna_study
from search.store.lock import StudyLock
from search.store.placement import refuse_links
from search.store.recorded_study import recorded_study


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild did."""

    # trials in the events
    trials: int
    # the database agreed with the events already and was left alone
    agreed: bool
    # where the database before was put, if there was one
    before: Path | None


def rebuild(folder: StudyFolder, url: str | None) -> Rebuilt:
    """Make the database of a study from its events files; one that agrees with them stays.

    Args:
        url: the database, if it is not the study's own.

    Raises:
        StorageError: the events files are damaged, the study runs, or the database cannot be
            written.
    """
    if not folder.study_file.is_file():
        raise StorageError(
            f"{folder.study_file}: is missing, and without it the events mean nothing. "
            "Restore it from a copy."
        )
    refuse_links(folder)
    url = address_of(folder, url)
    if url is not None:
        check_reachable(url)
    # read before anything is written
    study = recorded_as_optuna(folder)
    lock = StudyLock(folder.lock)
    send_chatter_to(folder.server_log)
    try:
        if url is None:
            return _rebuild_own(folder.db, study)
        done = shared_database(url, study)
        close_database(done.database)
        return Rebuilt(len(study.trials), agreed=not done.is_anew, before=None)
    finally:
        lock.release()


def recorded_as_optuna(folder: StudyFolder) -> OptunaStudy:
    """The study of a folder, as Optuna holds it.

    Raises:
        StorageError: an events file is damaged, or names what the space does not have.
    """
    recorded = recorded_study(folder)
    return optuna_study(folder.name, recorded.attributes, recorded.history, recorded.trials)


def _rebuild_own(path: Path, study: OptunaStudy) -> Rebuilt:
    # one that cannot be read is what a rebuild is for
    with contextlib.suppress(StorageError):
        if path.is_file() and not own_differences(path, study):
            return Rebuilt(len(study.trials), agreed=True, before=None)
    before = replace_own(path, study)
    return Rebuilt(len(study.trials), agreed=False, before=before)
