"""Making a study, so that one that is cut off on the way is made anew by the next start.

The first thing written is the study's events file, the last its study file. In between there is no
trial, and nothing that could be lost.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict
from pathlib import Path

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import RDBStorage

from search.engine.address import shown_url, sqlite_path, stored_url
from search.engine.conversion import ASKED, STEPS, STUDY, StudyAttributes
from search.engine.events import append_event
from search.engine.history import ATTRIBUTES
from search.engine.objectives import directions_of
from search.engine.patience import REFUSALS
from search.engine.storage import cannot_be_written
from search.errors import StorageError
from search.study.file import StudyFile
from search.study.layout import StudyFolder
from search.study.steps import Steps
from search.study.writing import write_whole
from search.study.yaml_loader import dump_yaml

# of a database the file itself, its logs and its journal
BESIDE_SQLITE = ("", "-wal", "-shm", "-journal")


def was_cut_off(folder: StudyFolder) -> bool:
    """Whether the making of a study began here and did not come to its end."""
    return folder.events.is_file() and not folder.study_file.exists() and not folder.trials.exists()


def written_by_a_start(folder: StudyFolder) -> list[Path]:
    """Every file that a start may leave in a folder of which it made no study, the lock last."""
    databases = [folder.db.with_name(folder.db.name + suffix) for suffix in BESIDE_SQLITE]
    whole = [folder.storage, folder.study_file]
    cut_off = [path.with_name(f".{path.name}.tmp") for path in whole]
    return [folder.events, folder.server_log, *databases, folder.storage, *cut_off, folder.lock]


def begin(folder: StudyFolder, asked: int | None, steps: Steps | None = None) -> None:
    """Begin a study, and remove what is left of one whose making was cut off.

    Args:
        steps: what the steps of its curves count.

    Raises:
        OSError: the folder cannot be written.
    """
    if was_cut_off(folder):
        remove_sqlite(folder.db)
    append_event(folder.events, ASKED, trials=asked)
    if steps is not None:
        append_event(folder.events, STEPS, **asdict(steps))


def create(
    folder: StudyFolder, database: RDBStorage, study_file: StudyFile, attributes: StudyAttributes
) -> None:
    """Make the study in its database and say so in its folder.

    Raises:
        StorageError: the database has a study of this name, or cannot be written.
    """
    try:
        study = optuna.create_study(
            storage=database,
            study_name=folder.name,
            directions=directions_of(attributes),
            sampler=optuna.samplers.RandomSampler(seed=0),
        )
        if attributes.several:
            _name_objectives(folder, study, database, attributes)
        study.set_user_attr(STUDY, attributes.to_json())
    except optuna.exceptions.DuplicatedStudyError as error:
        raise StorageError(
            f"{shown_url(database.url)}: already has a study {folder.name}, whose folder "
            f"{folder.root} is not here. Give the new study another name "
            "(--name, in Python name=)."
        ) from error
    except REFUSALS as error:
        raise cannot_be_written(database.url, error) from error
    if sqlite_path(database.url) is None:
        write_whole(folder.storage, stored_url(database.url) + "\n")
    write_whole(folder.study_file, dump_yaml(study_file.to_tree()))


def _name_objectives(
    folder: StudyFolder, study: optuna.Study, database: RDBStorage, attributes: StudyAttributes
) -> None:
    """Tell Optuna's own tools what the objectives are called; they number them else."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names([each.metric for each in attributes.several])
    names = database.get_study_system_attrs(database.get_study_id_from_name(folder.name))
    append_event(folder.events, ATTRIBUTES, attributes=names)


def remove_sqlite(path: Path) -> None:
    """Remove a database and what SQLite keeps beside it."""
    for suffix in BESIDE_SQLITE:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
