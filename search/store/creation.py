"""Making a study, so that one that is cut off on the way is made anew by the next start.

The first thing written is the study's events file, the last its study file. In between there is no
trial, and nothing that could be lost.
"""

from __future__ import annotations

from pathlib import Path

from optuna.storages import RDBStorage

from search.errors import StorageError
from search.layout import StudyFolder
from search.plain.whole_files import write_whole
from search.plain.yaml import dump_yaml
from search.store.database.connection import cannot_be_written, connected
from search.store.database.lock_wait import REFUSALS
from search.store.database.optuna_rows import has_study, write_anew
from search.store.database.sqlite_file import BESIDE_SQLITE, look_at_sqlite, remove_sqlite
from search.store.database.url import shown_url, sqlite_path, stored_url
from search.store.events.event_file import append_event
from search.store.events.optuna_trials import OptunaStudy
from search.store.events.study_history import StudyHistory
from search.store.events.trial_history import ATTRIBUTES
from search.store.recorded_study import write_facts
from search.store.records import StudyAttributes
from search.study_file.schema import StudyFile

# under which `optuna.Study.set_metric_names` keeps them
_METRIC_NAMES = "study:metric_names"


def was_cut_off(folder: StudyFolder) -> bool:
    """Whether the making of a study began here and did not come to its end."""
    return folder.events.is_file() and not folder.study_file.exists() and not folder.trials.exists()


def written_by_a_start(folder: StudyFolder) -> list[Path]:
    """Every file that a start may leave in a folder of which it made no study, the lock last."""
    databases = [folder.db.with_name(folder.db.name + suffix) for suffix in BESIDE_SQLITE]
    whole = [folder.storage, folder.study_file, folder.nodes]
    cut_off = [path.with_name(f".{path.name}.tmp") for path in whole]
    own = [folder.events, folder.server_log, folder.nodes]
    return [*own, *databases, folder.storage, *cut_off, folder.lock]


def begin_study(folder: StudyFolder, attributes: StudyAttributes) -> None:
    """Begin a study, and remove what is left of one whose making was cut off.

    Raises:
        OSError: the folder cannot be written.
    """
    if was_cut_off(folder):
        remove_sqlite(folder.db)
    write_facts(folder, attributes, StudyHistory())
    if attributes.is_multi_objective:
        # Optuna's own tools number the objectives else
        names = {_METRIC_NAMES: [each.metric for each in attributes.objectives]}
        append_event(folder.events, ATTRIBUTES, attributes=names)


def create(
    folder: StudyFolder, database: RDBStorage, study: OptunaStudy, study_file: StudyFile
) -> None:
    """Make the study in its database and say so in its folder.

    Raises:
        StorageError: the database has a study of this name, or cannot be written.
    """
    try:
        if has_study(database.engine, study.name):
            raise StorageError(
                f"{shown_url(database.url)}: already has a study {folder.name}, whose folder "
                f"{folder.root} is not here. Give the new study another name "
                "(--name, in Python name=)."
            )
        write_anew(database.engine, study)
    except REFUSALS as error:
        raise cannot_be_written(database.url, error) from error
    if sqlite_path(database.url) is None:
        write_whole(folder.storage, stored_url(database.url) + "\n")
    write_whole(folder.study_file, dump_yaml(study_file.to_tree()))


def check_reachable(url: str) -> None:
    """Look at the database of a URL before it is opened for writing.

    Raises:
        StorageError: it cannot be used, or holds what is not Optuna's.
    """
    path = sqlite_path(url)
    if path is None:
        with connected(url) as query:
            query("SELECT 1")
        return
    if path.exists():
        look_at_sqlite(path)
    elif not path.parent.is_dir():
        raise StorageError(f"--storage: {path.parent} is no folder. Create it or correct the URL.")
