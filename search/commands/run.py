"""`search run`."""

from __future__ import annotations

from search.commands.options import (
    Cost,
    Direction,
    Json,
    Metric,
    Name,
    NoGain,
    NoImprovement,
    On,
    Quiet,
    ScriptModule,
    SetValues,
    SpaceValues,
    Storage,
    StudiesDir,
    StudyFileOrName,
    Target,
    Timeout,
    TotalEpochs,
    Trials,
    TrialTimeout,
    Workers,
)
from search.layout import STUDIES_DIR, StudyFolder


def run(
    study_file: StudyFileOrName = None,
    module: ScriptModule = None,
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
    set_: SetValues = None,
    space: SpaceValues = None,
    metric: Metric = None,
    direction: Direction = None,
    name: Name = None,
    storage: Storage = None,
    studies: StudiesDir = STUDIES_DIR,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Run a study, or go on with it, up to a total of trials.

    A script needs no study file: `search run train.py --metric val_loss --space '--lr={float:
    [1e-4, 1e-1], log: true}'`, or `-m my_package.train` in its place.
    """
    from search.commands.given_study import OnCommandLine, given_study
    from search.commands.option_values import (
        engine_name,
        seconds,
        stopping_rules,
        worker_count,
    )
    from search.engine.progress import Note
    from search.engine.request import RunRequest
    from search.engine.run import run_study
    from search.study_file.cluster_sections import HERE
    from search.view.choose import make_view

    place = engine_name("--on", on)
    engine = None if place == HERE else place
    said = OnCommandLine(set_ or (), space or (), metric, direction, name, studies, engine)
    given = given_study(study_file, module, said)
    request = RunRequest(
        folder=StudyFolder(studies / given.study_file.name),
        study_file=given.study_file,
        source=given.source,
        import_path=given.folder.absolute(),
        workers=worker_count("--workers", workers),
        trials=trials,
        timeout_s=seconds("--timeout", timeout),
        trial_timeout_s=seconds("--trial-timeout", trial_timeout),
        stopping=stopping_rules(
            given.study_file,
            total_epochs=total_epochs,
            cost=cost,
            target=target,
            no_improvement=no_improvement,
            no_gain=no_gain,
        ),
        url=storage,
        on=None if place == HERE else given.study_file.on,
    )
    view = make_view(quiet=quiet, json=json)
    if given.note is not None:
        view.handle(Note(given.note))
    run_study(request, view)
