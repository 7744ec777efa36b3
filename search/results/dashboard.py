"""Serving optuna-dashboard for one study, on this machine only.

The study itself is served only if that is asked for: what is clicked there is written, and a
study has one owner.
"""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import optuna

from search.engine.signals import SignalWatch
from search.errors import StorageError, UserError
from search.layout import StudyFolder
from search.plain.installing import install_line
from search.store.creation import check_reachable
from search.store.database.agreement import replace_own
from search.store.database.connection import open_database
from search.store.database.url import address_of, sqlite_path, sqlite_url
from search.store.rebuild import recorded_as_optuna

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

HOST = "127.0.0.1"
# how soon a signal is noticed
_TURN_S = 0.25


class DashboardServer(ThreadingMixIn, WSGIServer):
    """A web server that answers this machine alone.

    Raises:
        UserError: the port cannot be had.
    """

    daemon_threads = True
    timeout = _TURN_S

    def __init__(self, port: int) -> None:
        try:
            super().__init__((HOST, port), _Silent)
        except OSError as error:
            used = error.errno == errno.EADDRINUSE
            why = "is in use" if used else f"cannot be opened: {error.strerror}"
            raise UserError(f"--port: {port} {why}. Name another.") from error

    def serve(self, url: str, signals: SignalWatch) -> None:
        """Answer until a signal comes; Ctrl-C is the way to end it.

        Raises:
            Interrupted: another signal came.
            StorageError: the database cannot be opened.
        """
        from optuna_dashboard import wsgi

        self.set_app(_for_this_machine(wsgi(open_database(url))))
        while signals.first is None:
            self.handle_request()
        if signals.first != SIGINT:
            signals.check()


def _for_this_machine(app: WSGIApplication) -> WSGIApplication:
    """Refuses pages of others whose name leads to this machine (DNS rebinding)."""

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_HOST", "").rpartition(":")[0] in (HOST, "localhost"):
            return app(environ, start)
        start("403 Forbidden", [("Content-Type", "text/plain")])
        return [b"open it as http://127.0.0.1"]

    return answer


class _Silent(WSGIRequestHandler):
    """Keeps a line a request off the terminal."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to say."""


def require_dashboard() -> None:
    """Make sure that optuna-dashboard is installed.

    Raises:
        UserError: it is not.
    """
    try:
        import optuna_dashboard  # noqa: F401
    except ImportError as error:
        raise UserError(
            "search dashboard: optuna-dashboard is not installed. "
            f"Add it: {install_line('dashboard')}."
        ) from error


@contextmanager
def copied(folder: StudyFolder) -> Iterator[str]:
    """The URL of a private database made from the events of a study, which is gone afterwards.

    Raises:
        StorageError: the events cannot be read.
    """
    study = recorded_as_optuna(folder)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="search-dashboard-") as root:
        copy = Path(root) / "study.db"
        replace_own(copy, study)
        yield sqlite_url(copy)


def live_address(folder: StudyFolder, given: str | None) -> str:
    """The URL of the study's database, which is there and can be read.

    Args:
        given: the one to use instead of the study's own.

    Raises:
        StorageError: it is not, or it is no database of Optuna's.
    """
    url = address_of(folder, given) or sqlite_url(folder.db)
    path = sqlite_path(url)
    if path is not None and not path.exists():
        raise StorageError(
            f"{path}: is missing. Make it again from the events of the trials: "
            f"`search rebuild {folder.name}`."
        )
    check_reachable(url)
    return url
