"""`search resume`."""

from __future__ import annotations

from search.commands.options import (
    Cost,
    Json,
    NoGain,
    NoImprovement,
    On,
    Quiet,
    Storage,
    StudiesDir,
    Study,
    StudyName,
    Target,
    Timeout,
    TotalEpochs,
    Trials,
    TrialTimeout,
    Workers,
    one_study,
)
from search.layout import STUDIES_DIR


def resume(
    study: Study = None,
    option: StudyName = None,
    trials: Trials = None,
    workers: Workers = "auto",
    on: On = None,
    timeout: Timeout = None,
    total_epochs: TotalEpochs = None,
    cost: Cost = None,
    target: Target = None,
    no_improvement: NoImprovement = None,
    no_gain: NoGain = None,
    trial_timeout: TrialTimeout = None,
    storage: Storage = None,
    studies: StudiesDir = STUDIES_DIR,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Go on with a study up to the total, or the budget, last asked for."""
    from search.commands.locate import find_study
    from search.commands.option_values import (
        engine_name,
        seconds,
        stopping_rules,
        worker_count,
    )
    from search.engine.request import RunRequest
    from search.engine.run import run_study
    from search.store.events.study_history import study_history
    from search.store.provenance.record import origin
    from search.study_file.cluster_sections import HERE, named_engine
    from search.study_file.load import load_kept
    from search.view.choose import make_view

    place = engine_name("--on", on)
    folder = find_study(one_study(study, option), studies)
    study_file = load_kept(folder)
    asked = study_history(folder)
    rules = stopping_rules(
        study_file,
        total_epochs=total_epochs,
        cost=cost,
        target=target,
        no_improvement=no_improvement,
        no_gain=no_gain,
    )
    request = RunRequest(
        folder=folder,
        study_file=study_file,
        source=str(folder.study_file),
        import_path=origin(folder) or folder.root.absolute(),
        workers=worker_count("--workers", workers),
        trials=trials or asked.n_trials,
        timeout_s=seconds("--timeout", timeout),
        trial_timeout_s=seconds("--trial-timeout", trial_timeout),
        stopping=rules.over(asked.stopping),
        url=storage,
        on=None if place in (None, HERE) else named_engine(study_file.on, place),
    )
    run_study(request, make_view(quiet=quiet, json=json))
