"""Making a study, or opening one again: nothing is created before everything was looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from optuna.storages import RDBStorage

from search.engine.ledger import Ledger
from search.engine.pausing import Pausing
from search.engine.warm_sources import first_text
from search.errors import StorageError, UserError
from search.layout import StudyFolder
from search.plain.collector import without_collector
from search.plain.whole_files import make_private, write_whole
from search.plain.yaml import dump_yaml
from search.sampling.audit import Audit
from search.sampling.explored_paths import needs_shapes
from search.sampling.schedulers.make import PBT, check_population
from search.sampling.study_settings import (
    first_point_of,
    has_first_rung,
    learning_sampling,
    pruner_of,
    sampling_of,
    scheduler_of,
    warm_start_for,
)
from search.store.creation import begin_study, check_reachable, create, was_cut_off
from search.store.database.agreement import own_database, shared_database
from search.store.database.connection import open_database, send_chatter_to
from search.store.database.lock_wait import BeforeRetry, keep_trying
from search.store.database.sqlite_file import look_at_sqlite
from search.store.database.url import address_of, shown_url, sqlite_path, sqlite_url
from search.store.database.write_through import WriteThroughStorage
from search.store.events.event_file import append_event
from search.store.events.history_cache import complete_cache
from search.store.events.optuna_trials import OptunaStudy, optuna_study
from search.store.events.study_history import BASELINE, RESHAPING, WARM_START, study_history
from search.store.events.trial_history import TrialHistory
from search.store.placement import check_writable, refuse_links
from search.store.queue import Queue
from search.store.recorded_study import RecordedStudy, attributes_of, recorded_study
from search.store.warm_start import WarmSource
from search.study_file.curve_steps import Steps
from search.study_file.differences import differences, free_changes
from search.study_file.load import load_study_file
from search.study_file.schema import StudyFile
from search.study_file.stopping_rules import StoppingRules
from search.study_file.transfer import Fitting


def _ignore(line: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Opening:
    """What a run will open."""

    folder: StudyFolder
    # as it holds from now on
    study_file: StudyFile
    # None: the SQLite file in the folder
    url: str | None
    # the folder has a study
    exists: bool
    # a line for each change of the study file; only permitted ones
    changes: tuple[str, ...] = ()
    # by path, the values that arguments have where the study file gives none
    defaults: Mapping[str, object] = field(default_factory=dict)
    # the earlier studies that a new one learns from
    warm_sources: tuple[WarmSource, ...] = ()
    # of a new study, the paths whose values change the shape of the model
    reshaping: Sequence[str] = ()


def plan(
    folder: StudyFolder, study_file: StudyFile, url: str | None, *, is_stored: bool = False
) -> Opening:
    """Compare a study file with the study of its name, if there is one.

    Args:
        is_stored: the study file is the study's own, unchanged.

    Raises:
        StorageError: the database cannot be used.
        UserError: the study file differs from the study in what may not change.
    """
    check_writable(folder.root)
    refuse_links(folder)
    exists = folder.study_file.is_file()
    # before the database, beside which SQLite leaves files even when it is only looked at
    changes = _allowed_changes(folder, study_file) if exists and not is_stored else ()
    address = address_of(folder, url)
    if address is None:
        if folder.db.exists() and not was_cut_off(folder):
            look_at_sqlite(folder.db)
    else:
        path = sqlite_path(address)
        if exists and path is not None and not path.exists():
            raise _no_such_database(folder, address, path)
        check_reachable(address)
    if not exists:
        _check_new(folder, address)
    return Opening(folder, study_file, address, exists, changes)


def open_ledger(
    opening: Opening,
    n_trials: int | None,
    before_retry: BeforeRetry = keep_trying,
    steps: Steps | None = None,
    note: Callable[[str], None] = _ignore,
    stopping: StoppingRules | None = None,
) -> Ledger:
    """Open the study of `opening`, making folder, database and study where they are new.

    Args:
        before_retry: called while another program locks the database.
        steps: what the steps of a new study count; one that exists keeps what it began with.
        note: called with a line where the database had to be written anew, and with one that tells
            what the first trial has of the configuration.
        stopping: the rules that were asked for; None for those of the study file.

    Raises:
        UserError: sampler, pruner or scheduler refuse their options.
        StorageError: the events are damaged, or the database cannot be used.
    """
    folder, study_file = opening.folder, opening.study_file
    sampling = sampling_of(study_file)
    # a new study refuses wrong options before anything is made
    pruner = pruner_of(study_file, steps)
    scheduler_of(study_file, steps, total=n_trials)
    if not opening.exists:
        _check_total(study_file, n_trials, ())
    folder.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    send_chatter_to(folder.server_log)
    if not opening.exists:
        begin_study(folder, attributes_of(study_file, n_trials, steps, stopping))
        _write_first_points(opening, note)
        if needs_shapes(study_file):
            append_event(folder.events, RESHAPING, paths=[*opening.reshaping])
    read_ns = time.time_ns()
    with without_collector():
        recorded = recorded_study(folder)
        if opening.exists:
            _check_total(study_file, n_trials, recorded.trials)
        complete_cache(folder, recorded.trials, read_ns)
        study = optuna_study(folder.name, recorded.attributes, recorded.history, recorded.trials)
        if opening.exists:
            database = _agreeing(opening, study, before_retry, note)
        else:
            database = _made(opening, study, before_retry)
        storage = WriteThroughStorage(database, study, before_retry)
    steps = recorded.history.steps
    if opening.exists:
        pruner = pruner_of(study_file, steps)
    sampling = learning_sampling(sampling, recorded.history.warm_start)
    queue = Queue(folder, sampling.points, study_file.enqueue)
    audit = Audit(study_file.audit, study_file.seed)
    reshaping = _reshaping(study_file, recorded)
    total = n_trials
    if total is not None and study_file.scheduler.name == PBT:
        # those of another study are in no population
        total -= _taken_over(recorded.trials)
    pausing = Pausing(
        lambda first: scheduler_of(study_file, steps, first, total, reshaping),
        recorded.trials,
        1 if has_first_rung(study_file) else recorded.history.first_pause,
        audit,
    )
    ledger = Ledger(recorded, storage, sampling, pruner, queue, pausing, audit)
    ledger.set_attributes(attributes_of(study_file, n_trials, steps, stopping))
    if opening.changes:
        # after the events, which are what the study is
        write_whole(folder.study_file, dump_yaml(study_file.to_tree()))
    return ledger


def _write_first_points(opening: Opening, note: Callable[[str], None]) -> None:
    """Write what a new study begins with: the configuration's own point, and earlier studies."""
    folder, study_file = opening.folder, opening.study_file
    baseline = first_point_of(study_file, opening.defaults)
    if baseline:
        append_event(folder.events, BASELINE, params=baseline)
        note(f"trial 0 has the configuration's own values of {', '.join(baseline)}")
    # a start that was cut off may have left others
    if opening.warm_sources or study_history(folder).warm_start.sources:
        tried = [baseline] if baseline else []
        warm_start = warm_start_for(study_file, opening.warm_sources, opening.defaults, tried)
        append_event(folder.events, WARM_START, **warm_start.to_tree())
        if warm_start.sources:
            note(first_text(warm_start, study_file.sampler.name))


def _check_total(
    study_file: StudyFile, n_trials: int | None, trials: Sequence[TrialHistory]
) -> None:
    """Refuse a total with which the scheduler can do nothing in what is still to begin.

    Raises:
        UserError: there are too few trials for a population.
    """
    if n_trials is None or n_trials <= len(trials):
        # what was begun ends in any case
        return
    scheduler = study_file.scheduler
    check_population(scheduler.name, scheduler.options, n_trials, taken=_taken_over(trials))


def _taken_over(trials: Sequence[TrialHistory]) -> int:
    """How many of the trials are another study's."""
    return sum(trial.taken_from is not None for trial in trials)


def _reshaping(study_file: StudyFile, recorded: RecordedStudy) -> Sequence[str]:
    """The paths that change the shape of the model, where that has to be known.

    Raises:
        UserError: the study began without a scheduler that asks for it.
    """
    known = recorded.history.reshaping
    if known is None and needs_shapes(study_file):
        raise UserError(
            "scheduler: the study began without pbt, when nobody looked which parameters change "
            "the shape of the model. Name those that may change: {name: pbt, perturb: [lr]}."
        )
    return known or ()


def _made(opening: Opening, study: OptunaStudy, before_retry: BeforeRetry) -> RDBStorage:
    """The database of a new study, which is whole once its study file is written."""
    folder = opening.folder
    if opening.url is None:
        make_private(folder.db)
    database = open_database(opening.url or sqlite_url(folder.db), before_retry)
    create(folder, database, study, opening.study_file)
    return database


def _agreeing(
    opening: Opening, study: OptunaStudy, before_retry: BeforeRetry, note: Callable[[str], None]
) -> RDBStorage:
    """The database of a study that exists, written anew where it differs from the events."""
    path = opening.folder.db
    if opening.url is None:
        found = own_database(path, study, before_retry)
        shown = str(path)
    else:
        found = shared_database(opening.url, study, before_retry)
        shown = shown_url(opening.url)
    if found.is_anew:
        kept = f"; the one before is {found.before}" if found.before is not None else ""
        note(f"{shown}: differed from the events of the study and is written anew{kept}")
    return found.database


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


def _no_such_database(folder: StudyFolder, url: str, path: Path) -> StorageError:
    """The error for a SQLite file that is not there, named for a study that is."""
    remedy = "Name the one that it was begun with"
    if folder.db.exists():
        remedy = f"It keeps its own in {folder.db}: leave --storage out"
    elif folder.storage.is_file():
        remedy = f"Its own is named in {folder.storage}: leave --storage out"
    return StorageError(
        f"--storage: there is no {path}, and the study {folder.name} was begun before. {remedy}, "
        "or make it from the events of the trials: "
        f"`search rebuild {folder.name} --storage {url}`."
    )
