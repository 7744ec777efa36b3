"""`search run` and `search resume`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from search.commands.locate import find_file, find_study, load_study
from search.engine.limits import Limits
from search.engine.progress import Note
from search.engine.resilient_view import steadily
from search.engine.run import RunRequest, run_study
from search.errors import UserError
from search.executors.slots import cores
from search.layout import STUDIES_DIR, StudyFolder
from search.plain.durations import parse_duration
from search.store.provenance.machine import usable_gpus
from search.store.provenance.record import origin
from search.study_file.load import load_study_file
from search.study_file.schema import StudyFile
from search.view.choose import make_view


@dataclass(frozen=True)
class RunOptions:
    """The options of `search run`, as they were typed."""

    trials: int | None = None
    workers: str = "1"
    timeout: str | None = None
    trial_timeout: str | None = None
    set_values: tuple[str, ...] = ()
    space_values: tuple[str, ...] = ()
    name: str | None = None
    storage: str | None = None
    studies: Path = STUDIES_DIR
    quiet: bool = False
    json: bool = False


def run_command(word: str | None, options: RunOptions) -> None:
    """Run the study of a study file, or a shipped one."""
    found = find_file(word)
    path = found.path
    study_file = load_study_file(
        path,
        set_values=options.set_values,
        space_values=options.space_values,
        name=options.name,
    )
    folder = StudyFolder(options.studies / study_file.name)
    _run(folder, study_file, path, options, note=found.note)


def resume_command(study: str | None, options: RunOptions) -> None:
    """Go on with an existing study, from its own copy of the study file."""
    folder = find_study(study, options.studies)
    study_file = load_study_file(folder.study_file)
    asked = load_study(study, options.studies, options.storage).asked
    options = replace(options, trials=options.trials or asked)
    _run(folder, study_file, folder.study_file, options, import_path=origin(folder))


def _run(
    folder: StudyFolder,
    study_file: StudyFile,
    path: Path,
    options: RunOptions,
    *,
    import_path: Path | None = None,
    note: str | None = None,
) -> None:
    budget = study_file.budget
    limits = Limits(
        asked=options.trials or budget.trials,
        timeout_s=seconds("--timeout", options.timeout) or budget.timeout_s,
        trial_timeout_s=seconds("--trial-timeout", options.trial_timeout),
    )
    request = RunRequest(
        folder=folder,
        study_file=study_file,
        source=str(path),
        import_path=(import_path or path.parent).absolute(),
        limits=limits,
        workers=worker_count("--workers", options.workers, study_file.trainer),
        url=options.storage,
    )
    view = make_view(quiet=options.quiet, json=options.json)
    if note is not None:
        view.handle(Note(note))
    try:
        run_study(request, view)
    finally:
        # a live table notices only now that its terminal is gone
        steadily(view.close)


def worker_count(option: str, text: str, trainer: Mapping[str, Any]) -> int:
    """How many trials at a time: a number, or auto for as many as there are GPUs for, where trials
    may use them, else one a core.

    Args:
        trainer: the section of the study file.

    Raises:
        UserError: it is neither.
    """
    if text == "auto":
        return _trials_on_gpus(trainer) or cores()
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= 1024:
        example = f"{option} 2" if option.startswith("--") else f"{option}=2"
        raise UserError(f"{option}: must be a number from 1 or auto, got {text}. Write {example}.")
    return int(text)


def _trials_on_gpus(trainer: Mapping[str, Any]) -> int:
    """How many trials the GPUs of this machine have room for; 0 where they use none."""
    if trainer.get("accelerator") not in (None, "auto", "gpu", "cuda"):
        return 0
    usable, devices = usable_gpus(os.environ), str(trainer.get("devices"))
    a_trial = int(devices) if devices.isdigit() and int(devices) > 0 else 1
    return usable // a_trial if devices != "-1" else min(usable, 1)


def seconds(option: str, text: float | str | None) -> float | None:
    """Seconds of a duration such as 30m, if one was given.

    Raises:
        UserError: it is none.
    """
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UserError(f"{option}: {error}") from error
