"""Reading studies: from their events alone, without Optuna and without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from search.errors import StorageError
from search.layout import StudyFolder, TrialFolder
from search.plain.collector import without_collector
from search.plain.strict_json import field_values
from search.store.attributes import NONSENSE, corrupt_data_message
from search.store.lock import is_held
from search.store.recorded_study import RecordedStudy, recorded_study
from search.store.records import StudyRecord
from search.store.retention import DiskFloor
from search.store.study_state import workers_seen


def read_study(folder: StudyFolder) -> StudyRecord:
    """The study of a folder as its events tell it now.

    Raises:
        StorageError: there is none, or a file of it is damaged.
    """
    if not folder.events.is_file() and not folder.trials.is_dir():
        raise StorageError(
            f"{folder.events}: is missing, and there are no trials. Restore the folder from a copy."
        )
    try:
        record = study_record(recorded_study(folder), str(_shown_database(folder)))
    except NONSENSE as error:
        raise StorageError(
            f"{folder.root}: {corrupt_data_message(error)}. Restore its events from a copy."
        ) from error
    return _seen_running(record) if is_held(folder.lock) else record


def study_record(recorded: RecordedStudy, storage: str) -> StudyRecord:
    """The record of a study that was read.

    Args:
        storage: its database, as it may be shown.
    """
    folder, attributes = recorded.folder, recorded.attributes
    with without_collector():
        trials = [
            trial.record(
                folder.trial(trial.number).root, attributes.space, attributes.outcome_constraints
            )
            for trial in recorded.trials
        ]
    return StudyRecord(
        name=folder.name,
        folder=folder.root,
        storage=storage,
        trials=tuple(trials),
        warm_start=recorded.history.warm_start,
        gain=recorded.history.gain,
        **field_values(attributes),
    )


def studies_in(root: Path) -> list[StudyFolder]:
    """The folders below `root` that hold a study, by name."""
    return [folder for folder in folders_in(root) if is_study(folder)]


def folders_in(root: Path) -> list[StudyFolder]:
    """The folders below `root`, by name, whether they hold a study or not."""
    if not root.is_dir():
        return []
    return [StudyFolder(path) for path in sorted(root.iterdir()) if path.is_dir()]


def is_study(folder: StudyFolder) -> bool:
    """Whether a folder holds a study, whole or not."""
    try:
        return any(path.is_file() for path in (folder.db, folder.storage, folder.study_file))
    except OSError:
        return False  # a name that no file can have


def _shown_database(folder: StudyFolder) -> Path | str:
    """The address of the database, without what is secret in it; nothing is opened."""
    if not folder.storage.is_file():
        return folder.db
    # SQLAlchemy takes long to import, and the common study needs none
    from search.store.database.url import address_of, shown_url

    return shown_url(str(address_of(folder, None)))


def _seen_running(record: StudyRecord) -> StudyRecord:
    """Add what only a running study has: when it was read, and why it is paused if it is."""
    record = replace(record, is_running=True, read_at=datetime.now(UTC))
    if any(attempt.ended is None for trial in record.trials for attempt in trial.attempts):
        return record
    floor = DiskFloor(StudyFolder(record.folder), workers_seen(record))
    for trial in record.trials:
        floor.learn(TrialFolder(trial.folder))
        floor.expect(trial.parameters)
    return replace(record, paused=floor.missing())
