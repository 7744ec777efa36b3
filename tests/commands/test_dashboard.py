"""`search dashboard`: a real server, real requests, and a study that nothing happens to."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from typing import Any

import pytest
from conftest import SEARCH, Project

LINE = "http://127.0.0.1:{port}  study, {what}; Ctrl-C ends it\n"


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number


@pytest.fixture(scope="module")
def studied(shared_project: Project) -> Project:
    """A project with a study of one trial."""
    result = shared_project.run("run", shared_project.study(), "--trials", "1", "--quiet")
    assert result.returncode == 0, result.stderr
    return shared_project


class Dashboard:
    """A `search dashboard` that answers."""

    def __init__(self, project: Project, port: int, *options: str) -> None:
        self.temporary = project.root / f"tmp-{len(project.started)}"
        self.temporary.mkdir()
        self.process = subprocess.Popen(
            [SEARCH, "dashboard", "--port", str(port), *options],
            cwd=project.root,
            env={**project.environment(), "TMPDIR": str(self.temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        project.started.append(self.process)
        self.url = f"http://127.0.0.1:{port}"
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline()

    def request(self, path: str, method: str = "GET", body: Any = None, **headers: str) -> Any:
        """Status and JSON of an answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/json", **headers}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, None

    def end(self, number: int) -> tuple[int, str]:
        """Exit code and standard error after a signal."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=60)
        return self.process.returncode, errors


def test_copy_takes_every_click_and_the_study_none(studied: Project, port: int) -> None:
    database = studied.root / "studies/study/study.db"
    before = database.read_bytes()
    dashboard = Dashboard(studied, port)
    assert dashboard.line == LINE.format(port=port, what="a copy as of now")
    (copy,) = dashboard.temporary.iterdir()
    assert copy.stat().st_mode & 0o077 == 0

    _, answer = dashboard.request("/api/studies")
    (summary,) = answer["study_summaries"]
    assert summary["study_name"] == "study"
    root = f"/api/studies/{summary['study_id']}"
    status, detail = dashboard.request(root)
    assert (status, len(detail["trials"])) == (200, 1)
    note = {"body": "mine", "version": 1}
    assert dashboard.request(f"{root}/note", "PUT", note)[0] == 204
    assert dashboard.request(root, "DELETE", {})[0] == 204
    assert dashboard.request("/api/studies")[1] == {"study_summaries": []}

    taken = studied.run("dashboard", "--port", str(port))
    assert (taken.returncode, taken.stderr) == (2, f"--port: {port} is in use. Name another.\n")
    assert dashboard.request("/api/studies", Host="evil.example:80")[0] == 403

    assert dashboard.end(signal.SIGINT) == (0, "")
    assert list(dashboard.temporary.iterdir()) == []
    assert database.read_bytes() == before
    assert studied.states() == ["COMPLETE"]


def test_another_signal_removes_the_copy_too(studied: Project, port: int) -> None:
    dashboard = Dashboard(studied, port)
    assert dashboard.end(signal.SIGTERM) == (143, "")
    assert list(dashboard.temporary.iterdir()) == []


def test_live_shows_the_study_itself(studied: Project, port: int) -> None:
    dashboard = Dashboard(studied, port, "--live")
    assert dashboard.line == LINE.format(
        port=port, what="the study itself, what you change is changed"
    )
    note = {"body": "mine", "version": 1}
    assert dashboard.request("/api/studies/1/note", "PUT", note)[0] == 204
    assert dashboard.end(signal.SIGINT) == (0, "")
    kept = studied.query("SELECT value_json FROM study_system_attributes")
    assert any("mine" in value for (value,) in kept)


def test_without_the_extra_says_how_to_add_it(studied: Project) -> None:
    # a package of that name that cannot be imported, in front of the real one
    hidden = studied.root / "hidden/optuna_dashboard"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ImportError('not here')\n")
    result = subprocess.run(
        [SEARCH, "dashboard"],
        cwd=studied.root,
        env={**studied.environment(), "PYTHONPATH": str(hidden.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (
        2,
        "search dashboard: optuna-dashboard is not installed. "
        'Add it: pip install "optuna-dashboard>=0.18".\n',
    )


def test_no_such_study(studied: Project) -> None:
    result = studied.run("dashboard", "-s", "studi")
    assert (result.returncode, result.stderr) == (
        2,
        "studi: no such study in studies. Did you mean study?\n",
    )
