"""Optuna's own tools open a study as it is."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Project

BIN = Path(sys.executable).parent


@pytest.fixture
def url(project: Project) -> str:
    assert project.run("run", project.study(), "--trials", "2", "--quiet").returncode == 0
    return f"sqlite:///{project.root / 'studies/study/study.db'}"


def test_optuna_command_lists_the_trials(project: Project, url: str) -> None:
    output = subprocess.run(
        [BIN / "optuna", "trials", "--storage", url, "--study-name", "study", "-f", "json"],
        env=project.environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert [trial["state"] for trial in json.loads(output)] == ["COMPLETE", "COMPLETE"]


def test_optuna_dashboard_shows_the_study(
    project: Project, url: str, wait_for: Callable[..., Any]
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [BIN / "optuna-dashboard", url, "--host", "127.0.0.1", "--port", str(port)],
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def studies() -> Any:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies", timeout=5) as page:
                return json.load(page)
        except (urllib.error.URLError, ConnectionError):
            return None

    try:
        (summary,) = wait_for(studies, "an answer of the dashboard", timeout_s=60)[
            "study_summaries"
        ]
        assert summary["study_name"] == "study"
    finally:
        process.kill()
        process.wait()
