"""`search dashboard`."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated

import typer

from search.commands.options import Storage, StudiesDir, Study, StudyName, one_study
from search.layout import STUDIES_DIR


def dashboard(
    study: Study = None,
    option: StudyName = None,
    port: Annotated[
        int, typer.Option("--port", help="Port to listen on.", min=1, max=65535)
    ] = 8080,
    live: Annotated[
        bool, typer.Option("--live", help="Open the study itself, not a copy: changes are kept.")
    ] = False,
    storage: Storage = None,
    studies: StudiesDir = STUDIES_DIR,
) -> None:
    """Open the study in optuna-dashboard, for this machine only."""
    from search.commands.locate import find_study
    from search.engine.signals import SignalWatch
    from search.results.dashboard import (
        HOST,
        DashboardServer,
        copied,
        live_address,
        require_dashboard,
    )

    folder = find_study(one_study(study, option), studies)
    require_dashboard()
    with (
        SignalWatch() as signals,
        DashboardServer(port) as server,
        nullcontext(live_address(folder, storage)) if live else copied(folder) as shown,
    ):
        what = "the study itself, what you change is changed" if live else "a copy as of now"
        print(f"http://{HOST}:{port}  {folder.name}, {what}; Ctrl-C ends it", flush=True)
        server.serve(shown, signals)
