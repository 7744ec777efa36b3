"""What the fault tests share; each hands in its row of the table."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Project
from faults.counts import SHARE
from faults.failing import Plan, WarmCommand, built
from faults.in_process import Run, command_line
from faults.invariant import SECRET
from faults.table import RowWriter, write_row


@pytest.fixture
def search(
    project: Project, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Run:
    """The command line in this process, in the project's folder."""
    monkeypatch.chdir(project.root)
    return command_line(capfd)


@pytest.fixture
def row(request: pytest.FixtureRequest) -> RowWriter:
    """Note a row of the table; call it last, when everything has held."""
    is_long = request.node.get_closest_marker("long") is not None
    part = "" if SHARE == 1 else f"SEARCH_LONG={SHARE:g} "
    where = f"`{part}pytest -m long`" if is_long else "every CI run"

    def write(test: str, result: str) -> None:
        file, line, _ = request.node.location
        write_row(request.node.nodeid, (file, line or 0), test, result, where)

    return write


@pytest.fixture(scope="module")
def finished(shared_project: Project) -> Project:
    """A project with a finished study of two trials; to be copied, not used."""
    path = shared_project.study(budget={"trials": 2})
    result = shared_project.run("run", path, "--quiet")
    assert result.returncode == 0, result.stderr
    return shared_project


@pytest.fixture
def copied(finished: Project, tmp_path: Path) -> Project:
    """A copy of the finished project that a test may damage."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(finished.root, tmp_path, dirs_exist_ok=True, ignore=ignored)
    return Project(tmp_path)


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", SECRET)


@pytest.fixture
def plan(project: Project, secret: None, monkeypatch: pytest.MonkeyPatch) -> Plan:
    plan = Plan(project.root, built(project.root))
    plan.install(monkeypatch)
    return plan


@pytest.fixture
def command(project: Project, plan: Plan) -> Iterator[WarmCommand]:
    command = WarmCommand(project.root, project.environment())
    yield command
    command.close()
