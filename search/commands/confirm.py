"""`search confirm`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from search.commands.locate import find_study, load_study
from search.commands.run import worker_count
from search.engine.limits import Limits
from search.engine.run import RunRequest, run_study
from search.errors import UserError
from search.layout import STUDIES_DIR, StudyFolder
from search.results.confirm import confirmation_of, confirming_study, finalists_of
from search.results.finished_trial import project_folder
from search.study_file.load import load_study_file
from search.view import results_table
from search.view.choose import make_view


@dataclass(frozen=True)
class ConfirmOptions:
    """The options of `search confirm`, as they were typed."""

    top: int = 3
    seeds: int = 5
    workers: str = "1"
    name: str | None = None
    storage: str | None = None
    studies: Path = STUDIES_DIR
    json: bool = False


def confirm_command(study: str | None, options: ConfirmOptions) -> None:
    """Run the finalists over seeds, or go on with that, and print what it says."""
    folder = find_study(study, options.studies)
    record = load_study(study, options.studies, options.storage)
    if not folder.study_file.is_file():
        raise UserError(f"{folder.study_file}: is missing. Restore it from a copy.")
    study_file = load_study_file(folder.study_file)
    finalists = finalists_of(record, options.top)
    name = options.name or f"{record.name}-confirm"
    confirming = confirming_study(study_file, finalists, options.seeds, name)
    request = RunRequest(
        folder=StudyFolder(folder.root.with_name(name)),
        study_file=confirming,
        source=name,
        import_path=project_folder(folder.root),
        limits=Limits(asked=options.top * options.seeds),
        workers=worker_count("--workers", options.workers, confirming.trainer),
        url=options.storage,
    )
    view = make_view(quiet=options.json)
    try:
        confirmed = run_study(request, view)
    finally:
        view.close()
    confirmation = confirmation_of(record.name, finalists, confirmed)
    if options.json:
        print(results_table.confirmation_json(confirmation))
    else:
        results_table.print_confirmation(confirmation, sys.stdout)
