"""`search confirm`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from search.commands.options import (
    Json,
    Storage,
    StudiesDir,
    Study,
    StudyName,
    Workers,
    one_study,
)
from search.layout import STUDIES_DIR, StudyFolder, TrialFolder


def confirm(
    study: Study = None,
    option: StudyName = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Finalists: the best trials.")] = 3,
    seeds: Annotated[int, typer.Option("--seeds", min=2, help="Runs of each finalist.")] = 5,
    workers: Workers = "auto",
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the study of these runs; STUDY-confirm.")
    ] = None,
    seed_argument: Annotated[
        str | None,
        typer.Option("--seed-argument", help="Argument of a script that takes its seed."),
    ] = None,
    storage: Storage = None,
    studies: StudiesDir = STUDIES_DIR,
    json: Json = False,
) -> None:
    """Train the best trials over seeds: is the winner lucky?"""
    from search.commands.locate import find_study
    from search.commands.option_values import worker_count
    from search.engine.request import RunRequest
    from search.engine.run import run_study
    from search.results.confirm import confirmation_of, confirming_study, finalists_of
    from search.results.finished_trial import project_folder
    from search.results.script_seed_path import seed_path_of
    from search.store.reading import read_study
    from search.study_file.load import load_kept
    from search.study_file.trial_config import read_trial_config
    from search.view import results_table
    from search.view.choose import make_view

    folder = find_study(one_study(study, option), studies)
    record = read_study(folder)
    study_file = load_kept(folder)
    finalists = finalists_of(record, top)
    name = name or f"{record.name}-confirm"
    config = read_trial_config(TrialFolder(finalists[0].folder).config)
    seed_path = seed_path_of(record, config, seed_argument)
    confirming = confirming_study(study_file, finalists, seeds, name, seed_path)
    request = RunRequest(
        folder=StudyFolder(folder.root.with_name(name)),
        study_file=confirming,
        source=name,
        import_path=project_folder(folder.root),
        workers=worker_count("--workers", workers),
        url=storage,
    )
    confirmed = run_study(request, make_view(quiet=json))
    confirmation = confirmation_of(record.name, finalists, confirmed)
    if json:
        print(results_table.confirmation_json(confirmation))
    else:
        results_table.print_confirmation(confirmation, sys.stdout)
