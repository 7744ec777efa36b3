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
from optuna.study import StudyDirection

from search.errors import StorageError
from search.layout import StudyFolder
from search.plain.whole_files import write_whole
from search.plain.yaml import dump_yaml
from search.store.attributes import (
    ASKED,
    STEPS,
    STUDY,
    StudyAttributes,
)
from search.store.database.connection import cannot_be_written, connected
from search.store.database.lock_wait import REFUSALS
from search.store.database.url import shown_url, sqlite_path, stored_url
from search.store.events.event_file import append_event
from search.store.events.trial_history import ATTRIBUTES
from search.store.placement import check_local
from search.store.reading import look_at_sqlite
from search.store.records import ObjectiveRecord
from search.study_file.curve_steps import Steps
from search.study_file.objectives import reported_metric
from search.study_file.schema import StudyFile

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


def attributes_of(
    study_file: StudyFile, asked: int | None, steps: Steps | None = None
) -> StudyAttributes:
    """What a study says of itself, out of its study file."""
    return StudyAttributes(
        objectives=tuple(
            ObjectiveRecord(each.metric, each.direction) for each in study_file.judged
        ),
        reported=reported_metric(study_file),
        outcome_constraints=tuple(study_file.outcome_constraints),
        asked=asked,
        space=study_file.space,
        settings={
            "sampler": study_file.sampler.name,
            "pruner": study_file.pruner.name,
            "seed": study_file.seed,
        },
        steps=steps,
    )


def directions_of(attributes: StudyAttributes) -> list[StudyDirection]:
    """Optuna's directions of a study's objectives."""
    return [StudyDirection[each.direction.upper()] for each in attributes.objectives]


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
    check_local(path)
    if path.exists():
        look_at_sqlite(path)
    elif not path.parent.is_dir():
        raise StorageError(f"--storage: {path.parent} is no folder. Create it or correct the URL.")
