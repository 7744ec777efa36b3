"""`search run`."""

from __future__ import annotations

from search.commands.options import (
    Json,
    Name,
    Quiet,
    SetValues,
    SpaceValues,
    Storage,
    StudiesDir,
    StudyFileOrName,
    Timeout,
    Trials,
    TrialTimeout,
    Workers,
)
from search.layout import STUDIES_DIR, StudyFolder


def run(
    study_file: StudyFileOrName = None,
    trials: Trials = None,
    workers: Workers = "auto",
    timeout: Timeout = None,
    trial_timeout: TrialTimeout = None,
    set_: SetValues = None,
    space: SpaceValues = None,
    name: Name = None,
    storage: Storage = None,
    studies: StudiesDir = STUDIES_DIR,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Run a study, or go on with it, up to a total of trials."""
    from search.commands.locate import find_file
    from search.commands.option_values import seconds, worker_count
    from search.engine.progress import Note
    from search.engine.request import RunRequest
    from search.engine.run import run_study
    from search.study_file.load import load_study_file
    from search.view.choose import make_view

    found = find_file(study_file)
    loaded = load_study_file(found.path, set_values=set_ or (), space_values=space or (), name=name)
    request = RunRequest(
        folder=StudyFolder(studies / loaded.name),
        study_file=loaded,
        source=str(found.path),
        import_path=found.path.parent.absolute(),
        workers=worker_count("--workers", workers),
        trials=trials,
        timeout_s=seconds("--timeout", timeout),
        trial_timeout_s=seconds("--trial-timeout", trial_timeout),
        url=storage,
    )
    view = make_view(quiet=quiet, json=json)
    if found.note is not None:
        view.handle(Note(found.note))
    run_study(request, view)
