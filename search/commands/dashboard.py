"""`search dashboard`."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from search.commands.locate import find_study
from search.store.reading import read_study


def dashboard_command(
    study: str | None, studies: Path, storage: str | None, *, port: int, live: bool
) -> None:
    """Serve optuna-dashboard until Ctrl-C: on a copy, or on the study itself if `live`."""
    from search.engine.signals import SignalWatch
    from search.results.dashboard import HOST, DashboardServer, copied, require_dashboard
    from search.store.database.url import address_of, sqlite_url

    folder = find_study(study, studies)
    require_dashboard()
    read_study(folder, storage)  # says what is wrong with its database before anything is opened
    url = address_of(folder, storage) or sqlite_url(folder.db)
    with (
        SignalWatch() as signals,
        DashboardServer(port) as server,
        nullcontext(url) if live else copied(url, folder.name) as shown,
    ):
        what = "the study itself, what you change is changed" if live else "a copy as of now"
        print(f"http://{HOST}:{port}  {folder.name}, {what}; Ctrl-C ends it", flush=True)
        server.serve(shown, signals)
