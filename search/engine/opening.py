"""Making a study, or opening one again: nothing is created before everything was looked at."""

from __future__ import annotations

from dataclasses import dataclass

from search.engine.ledger import Ledger
from search.errors import StorageError, UserError
from search.layout import StudyFolder
from search.plain.whole_files import make_private, write_whole
from search.plain.yaml import dump_yaml
from search.sampling.study_settings import pruner_of, sampling_of
from search.store.creation import attributes_of, begin, check_reachable, create, was_cut_off
from search.store.database.connection import open_database, send_chatter_to
from search.store.database.lock_wait import Patience, endless
from search.store.database.url import address_of, sqlite_url
from search.store.events.optuna_trials import study_history
from search.store.placement import check_local, check_writable, refuse_links
from search.store.queue import Queue
from search.store.reading import look_at_sqlite, read_study
from search.study_file.curve_steps import Steps
from search.study_file.differences import differences, free_changes
from search.study_file.load import load_study_file
from search.study_file.schema import StudyFile
from search.study_file.transfer import Fitting


@dataclass(frozen=True)
class Opening:
    """What a run will open: the study file as it now holds, whether the study exists, a line for
    each `change` of its study file, all of them such as may be, and what the `steps` of one that
    exists count, as its database says."""

    folder: StudyFolder
    study_file: StudyFile
    url: str
    exists: bool
    changes: tuple[str, ...] = ()
    steps: Steps | None = None


def plan(folder: StudyFolder, study_file: StudyFile, url: str | None) -> Opening:
    """Compare a study file with the study of its name, if there is one.

    Raises:
        StorageError: the database cannot be used.
        UserError: the study file differs from the study in what may not change.
    """
    check_writable(folder.root)
    refuse_links(folder)
    exists = folder.study_file.is_file()
    # before the database, beside which SQLite leaves files even when it is only looked at
    changes = _allowed_changes(folder, study_file) if exists else ()
    url = address_of(folder, url)
    if url is not None:
        check_reachable(url)
    else:
        check_local(folder.db)
        if folder.db.exists() and not was_cut_off(folder):
            look_at_sqlite(folder.db)
    steps = None
    if not exists:
        _check_new(folder, url)
    elif url is None and not folder.db.exists():
        raise StorageError(
            f"{folder.db}: is missing. Make it again from the events of the trials: "
            f"`search rebuild {folder.name}`."
        )
    else:
        steps = read_study(folder, url).steps
    address = sqlite_url(folder.db) if url is None else url
    return Opening(folder, study_file, address, exists, changes, steps)


def open_ledger(
    opening: Opening,
    asked: int | None,
    patience: Patience = endless,
    steps: Steps | None = None,
) -> Ledger:
    """Open the study of `opening`, making folder, database and study where they are new.

    Args:
        patience: called while another program locks the database.
        steps: what the steps of a new study count; one that exists keeps what it began with.

    Raises:
        UserError: sampler or pruner refuse their options.
        StorageError: the database cannot be used.
    """
    folder, study_file = opening.folder, opening.study_file
    sampling = sampling_of(study_file)
    if opening.exists:
        # the events come first, but they may be gone
        steps = study_history(folder).steps or opening.steps
    pruner = pruner_of(study_file, steps)
    folder.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    send_chatter_to(folder.server_log)
    if not opening.exists:
        begin(folder, asked, steps)
        if opening.url == sqlite_url(folder.db):
            make_private(folder.db)
    database = open_database(opening.url, patience)
    if not opening.exists:
        create(folder, database, study_file, attributes_of(study_file, asked, steps))
    elif opening.changes:
        write_whole(folder.study_file, dump_yaml(study_file.to_tree()))
    queue = Queue(folder, sampling.points, study_file.enqueue)
    ledger = Ledger(folder, database, sampling, pruner, queue, patience)
    ledger.set_attributes(attributes_of(study_file, asked, steps))
    return ledger


def _allowed_changes(folder: StudyFolder, given: StudyFile) -> tuple[str, ...]:
    stored = load_study_file(folder.study_file)
    refused = differences(stored, given)
    if not refused:
        return tuple(free_changes(stored, given))
    remedy = "give the new study another name (--name, in Python name=)."
    if not Fitting(stored, given).differences:
        remedy = (
            "make a child study that takes over the trials that fit: "
            f"`search extend {folder.name} STUDY_FILE --name CHILD`."
        )
    raise UserError(
        *(f"{folder.study_file}: {line}." for line in refused),
        f"{folder.root}: a study cannot change under way. Undo the change, or {remedy}",
    )


def _check_new(folder: StudyFolder, url: str | None) -> None:
    if url is None and folder.db.exists() and not was_cut_off(folder):
        raise StorageError(
            f"{folder.db}: has no study.yaml beside it. Move it away, or restore "
            f"{folder.study_file}."
        )
    if folder.trials.exists():
        raise StorageError(
            f"{folder.trials}: holds the trials of an earlier study. Move the folder away, or give "
            "the new study another name (--name, in Python name=)."
        )
