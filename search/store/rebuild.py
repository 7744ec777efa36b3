"""Making the database of a study again from its events files, and comparing the two."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial

from search.errors import StorageError
from search.layout import StudyFolder
from search.plain.whole_files import make_private
from search.store.attributes import MICRO_BATCHES, NONSENSE, STUDY, StudyAttributes
from search.store.creation import (
    BESIDE_SQLITE,
    attributes_of,
    check_reachable,
    directions_of,
    remove_sqlite,
)
from search.store.database.connection import (
    cannot_be_written,
    open_database,
    says_nonsense,
    send_chatter_to,
)
from search.store.database.lock_wait import REFUSALS
from search.store.database.url import address_of, shown_url, sqlite_url
from search.store.events.optuna_trials import (
    StudyHistory,
    frozen_trial,
    study_history,
    trial_history,
)
from search.store.events.trial_history import TrialHistory
from search.store.lock import StudyLock
from search.store.optuna_distributions import to_optuna
from search.store.placement import check_local, refuse_links
from search.store.reading import look_at_sqlite
from search.study_file.load import load_study_file
from search.study_file.schema import StudyFile

_MISSING = "its events file is missing"
_NO_TIME = "1970-01-01T00:00:00+00:00"


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild did: `trials` it found, whether the database `agreed` with the events files
    already and was left alone, and where the one before was put."""

    trials: int
    agreed: bool
    before: Path | None


@dataclass(frozen=True)
class _Told:
    """What the events of a study and of its trials, by number, add up to."""

    study: StudyHistory
    trials: list[TrialHistory]


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
    if url is None:
        check_local(folder.db)
    else:
        check_reachable(url)
    study_file = load_study_file(folder.study_file)
    # read before anything is written
    told = _Told(study_history(folder), trial_histories(folder))
    lock = StudyLock(folder.lock)
    send_chatter_to(folder.server_log)
    try:
        if url is not None:
            _write_to(url, folder, study_file, told)
            return Rebuilt(len(told.trials), agreed=False, before=None)
        return _replace_file(folder, study_file, told)
    finally:
        lock.release()


def trial_histories(folder: StudyFolder) -> list[TrialHistory]:
    """The history of every trial, by number. A folder that is gone leaves a failed trial, because
    a number is never used twice.

    Raises:
        StorageError: an events file is damaged.
    """
    numbers = [int(path.name) for path in folder.trials.glob("[0-9]*") if path.name.isdigit()]
    found = {number: trial_history(folder.trial(number)) for number in numbers}
    last = max((number for number, history in found.items() if history), default=-1)
    return [found.get(number) or _lost(number) for number in range(last + 1)]


def disagreements(folder: StudyFolder, url: str | None = None) -> list[str]:
    """One line for each thing in which the database differs from the events files.

    Raises:
        StorageError: either cannot be read.
    """
    if url is None:
        look_at_sqlite(folder.db)
    histories = trial_histories(folder)
    study_file = load_study_file(folder.study_file)
    distributions = {path: to_optuna(each) for path, each in study_file.space.items()}
    database = open_database(url or sqlite_url(folder.db))
    try:
        study_id = database.get_study_id_from_name(folder.name)
        attributes = database.get_study_user_attrs(study_id)
        trials = database.get_all_trials(study_id)
    except (*REFUSALS, KeyError) as error:
        raise StorageError(f"{folder.root}: its database has no study {folder.name}.") from error
    except NONSENSE as error:
        raise says_nonsense(database.url, folder.name, error) from error
    finally:
        _close(database)
    lines = []
    if _as_json(attributes) != _as_json(_user_attributes(study_history(folder), study_file)):
        lines.append("the attributes of the study")
    if len(trials) != len(histories):
        lines.append(f"{len(trials)} trials in the database, {len(histories)} in the events")
    for trial, history in zip(trials, histories, strict=False):
        lines += _differences(trial, frozen_trial(history, distributions))
    return lines


def _differences(stored: FrozenTrial, told: FrozenTrial) -> list[str]:
    compared: dict[str, tuple[Any, Any]] = {
        "number": (stored.number, told.number),
        "state": (stored.state, told.state),
        "values": (repr(stored.values), repr(told.values)),
        "params": (stored.params, told.params),
        "curve": (_curve(stored), _curve(told)),
        "attributes": (stored.user_attrs, told.user_attrs),
        "sampler's attributes": (stored.system_attrs, told.system_attrs),
    }
    lines = [f"trial {stored.number}: {key}" for key, (a, b) in compared.items() if a != b]
    for path, distribution in told.distributions.items():
        with contextlib.suppress(KeyError, ValueError):
            check_distribution_compatibility(stored.distributions[path], distribution)
            continue
        lines.append(f"trial {stored.number}: distribution of {path}")
    return lines


def _as_json(attributes: Mapping[str, Any]) -> str:
    return json.dumps(attributes, sort_keys=True)


def _curve(trial: FrozenTrial) -> str:
    return repr(sorted(trial.intermediate_values.items()))


def _replace_file(folder: StudyFolder, study_file: StudyFile, told: _Told) -> Rebuilt:
    with contextlib.suppress(StorageError):
        if folder.db.is_file() and not disagreements(folder):
            return Rebuilt(len(told.trials), agreed=True, before=None)
    temporary = folder.db.with_name(".study.db.rebuilt")
    remove_sqlite(temporary)
    make_private(temporary)
    _write_to(sqlite_url(temporary), folder, study_file, told)
    before = _put_aside(folder.db)
    temporary.replace(folder.db)
    return Rebuilt(len(told.trials), agreed=False, before=before)


def _put_aside(path: Path) -> Path | None:
    """Rename a database and what SQLite keeps beside it; returns the new name of the database.

    SQLite would replay a log that an earlier database left into the next file of its name, so it
    is moved where the database itself is lost, too.
    """
    if not any(_beside(path, suffix).exists() for suffix in BESIDE_SQLITE):
        return None
    number = 1
    while any(_beside(path, f".before-{number}{suffix}").exists() for suffix in BESIDE_SQLITE):
        number += 1
    target = _beside(path, f".before-{number}")
    for suffix in reversed(BESIDE_SQLITE):
        with contextlib.suppress(FileNotFoundError):
            _beside(path, suffix).replace(_beside(target, suffix))
    return target if target.exists() else None


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _write_to(url: str, folder: StudyFolder, study_file: StudyFile, told: _Told) -> None:
    distributions: Mapping[str, BaseDistribution] = {
        path: to_optuna(each) for path, each in study_file.space.items()
    }
    # which refuses what the space does not have before anything is written
    trials = [frozen_trial(history, distributions) for history in told.trials]
    database = open_database(url)
    try:
        study_id = database.create_new_study(
            directions_of(_attributes_of_study(told.study, study_file)), folder.name
        )
        for key, value in _user_attributes(told.study, study_file).items():
            database.set_study_user_attr(study_id, key, value)
        for key, value in told.study.attributes.items():
            database.set_study_system_attr(study_id, key, value)
        for trial in trials:
            database.create_new_trial(study_id, trial)
    except optuna.exceptions.DuplicatedStudyError as error:
        raise StorageError(
            f"{shown_url(url)}: already has a study {folder.name}. Remove it with "
            "`optuna delete-study`, then rebuild."
        ) from error
    except REFUSALS as error:
        raise cannot_be_written(url, error) from error
    finally:
        _close(database)


def _user_attributes(history: StudyHistory, study_file: StudyFile) -> dict[str, Any]:
    attributes: dict[str, Any] = {STUDY: _attributes_of_study(history, study_file).to_json()}
    if history.micro_batches:
        attributes[MICRO_BATCHES] = history.micro_batches
    return attributes


def _attributes_of_study(history: StudyHistory, study_file: StudyFile) -> StudyAttributes:
    return attributes_of(study_file, history.asked, history.steps)


def _lost(number: int) -> TrialHistory:
    history = TrialHistory(number, params={}, state="FAIL")
    attempt = {"number": 1, "pid": 0, "boot_id": "", "cause": "error", "message": _MISSING}
    history.attempts = [{**attempt, "started": _NO_TIME, "ended": _NO_TIME, "first_step": 0}]
    return history


def _close(database: RDBStorage) -> None:
    database.remove_session()
    database.engine.dispose()
