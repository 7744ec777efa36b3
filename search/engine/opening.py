"""Making a study, or opening one again: nothing is created before everything was looked at."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from pathlib import Path

import optuna

from search.engine.address import address_of, sqlite_path, sqlite_url
from search.engine.conversion import StudyAttributes
from search.engine.creation import begin, create, was_cut_off
from search.engine.ledger import Ledger
from search.engine.patience import Patience, endless
from search.engine.places import check_local, check_writable, refuse_links
from search.engine.pruners import make_pruner
from search.engine.queue import Queue
from search.engine.reading import look_at_sqlite, read_study
from search.engine.records import ObjectiveRecord
from search.engine.replay import study_history
from search.engine.samplers import Sampling
from search.engine.storage import connected, open_database
from search.errors import StorageError, UserError
from search.study.changes import differences, free_changes
from search.study.file import StudyFile, load_study_file
from search.study.fitting import Fitting
from search.study.layout import StudyFolder
from search.study.objectives import reported_metric
from search.study.rules import points_of
from search.study.steps import EPOCHS, VALIDATIONS, Steps
from search.study.writing import make_private, write_whole
from search.study.yaml_loader import dump_yaml


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
    sampling.check()
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


def sampling_of(study_file: StudyFile) -> Sampling:
    """How a study file says that trials are sampled."""
    return Sampling(
        name=study_file.sampler.name,
        options=study_file.sampler.options,
        points=points_of(study_file),
        seed=study_file.seed,
    )


def pruner_of(study_file: StudyFile, steps: Steps | None) -> optuna.pruners.BasePruner:
    """How a study file says that trials are pruned.

    Args:
        steps: what the steps of the study count; None where that does not matter, or is not known.

    Raises:
        UserError: the pruner refuses its options.
    """
    name, options = study_file.pruner.name, study_file.pruner.options
    epochs = _max_epochs(study_file)
    if steps is None or steps.unit == VALIDATIONS:
        return make_pruner(name, options, _max_validations(study_file))
    if steps.unit == EPOCHS:
        return make_pruner(name, options, epochs)
    samples = steps.epoch_samples
    if samples is None:
        return make_pruner(name, options, None)
    return make_pruner(name, options, epochs and epochs * samples, samples)


def _max_epochs(study_file: StudyFile) -> int | None:
    epochs = study_file.trainer.get("max_epochs")
    if not isinstance(epochs, int) or epochs < 1 or "trainer.max_epochs" in study_file.space:
        return None
    return epochs


def _max_validations(study_file: StudyFile) -> int | None:
    """The validations of a full trial, where the study file fixes them."""
    epochs = _max_epochs(study_file)
    interval = study_file.trainer.get("val_check_interval")
    if interval is None:
        return epochs
    # batches, or a time: how many an epoch has of them is not known here
    if epochs is None or not isinstance(interval, float) or not 0 < interval <= 1:
        return None
    return epochs * int(1 / interval)


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


class _Chatter(logging.FileHandler):
    """A log that costs nothing but its lines where the disk is full."""

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """Leave the line out; Python's own way would print a traceback over the live view."""


def send_chatter_to(log: Path) -> None:
    """Optuna's own messages go to a file, not into the live view."""
    optuna.logging.disable_default_handler()
    logger = logging.getLogger("optuna")
    if not any(isinstance(handler, _Chatter) for handler in logger.handlers):
        logger.addHandler(_Chatter(log, encoding="utf-8", delay=True))


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
