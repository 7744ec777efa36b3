"""A study in a real PostgreSQL, started for this test."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
import sqlalchemy
from conftest import Project

PASSWORD = "correct-horse-battery"


def programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    path = shutil.which("initdb")
    return Path(path).parent if path else None


@pytest.fixture
def url() -> Iterator[str]:
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL's initdb is not installed here")
    # not below pytest's folders: the server does not run as root and could not enter them
    root = Path(tempfile.mkdtemp(prefix="search-postgresql-"))
    user = "postgres" if os.getuid() == 0 else None
    if user:
        shutil.chown(root, user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    secret = root / "secret"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    where = ["-D", root / "data"]
    login = ["-U", "ada", "-A", "scram-sha-256", f"--pwfile={secret}"]
    control = [folder / "pg_ctl", *where, "-w", "-l", root / "log"]
    options = f"-p {port} -k {root} -c listen_addresses=127.0.0.1"
    for command in ([folder / "initdb", *where, *login], [*control, "-o", options, "start"]):
        subprocess.run(command, user=user, check=True, capture_output=True)
    yield f"postgresql+psycopg://ada:{PASSWORD}@127.0.0.1:{port}/postgres"
    stop = [*control, "-m", "immediate", "stop"]
    subprocess.run(stop, user=user, check=True, capture_output=True)
    shutil.rmtree(root)


def test_study_in_postgresql_resumes_and_hides_its_password(project: Project, url: str) -> None:
    path = project.study()
    result = project.run("run", path, "--trials", "2", "--storage", url)
    assert result.returncode == 0, result.stderr
    outputs = result.stdout + result.stderr
    result = project.run("resume", "study", "--trials", "3", "--storage", url)
    assert result.returncode == 0, result.stderr
    best = project.run("best", "--json", "--storage", url)
    assert json.loads(best.stdout)["value"] > 0
    without = project.run("best", "--json")
    assert without.stdout == best.stdout, "reading needs no database"
    refused = project.run("resume", "study", "--trials", "4")
    assert refused.returncode == 2
    assert "cannot be opened" in refused.stderr
    outputs += result.stdout + result.stderr + best.stdout + refused.stderr
    assert PASSWORD not in outputs
    files = [file for file in (project.root / "studies").rglob("*") if file.is_file()]
    assert not [file for file in files if PASSWORD.encode() in file.read_bytes()]
    assert not (project.root / "studies/study/study.db").exists()
    value = json.loads(best.stdout)["value"]
    assert min(values_in(url)) == value
    with opened(url) as engine, engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE trial_values SET value = 9"))
    storage = optuna.storages.RDBStorage(url)
    optuna.create_study(storage=storage, study_name="another").add_trial(
        optuna.trial.create_trial(value=0.25)
    )
    storage.remove_session()
    storage.engine.dispose()
    again = project.run("resume", "study", "--trials", "4", "--storage", url)
    assert again.returncode == 0, again.stderr
    line = "differed from the events of the study and is written anew"
    assert again.stdout.count(line) == 1
    assert PASSWORD not in again.stdout
    values = values_in(url)
    assert len(values) == 5, "four of the study, one of another, which is left alone"
    assert value in values
    assert 9 not in values
    agreed = project.run("rebuild", "study", "--storage", url)
    assert "agree, nothing to do" in agreed.stdout, agreed.stderr


@contextlib.contextmanager
def opened(url: str) -> Iterator[sqlalchemy.Engine]:
    engine = sqlalchemy.create_engine(url)
    yield engine
    engine.dispose()


def values_in(url: str) -> list[float]:
    with opened(url) as engine, engine.connect() as connection:
        rows = connection.execute(sqlalchemy.text("SELECT value FROM trial_values"))
        return [value for (value,) in rows]


def test_missing_server_is_one_line(project: Project) -> None:
    url = f"postgresql+psycopg://ada:{PASSWORD}@127.0.0.1:1/postgres"
    result = project.run("run", project.study(), "--storage", url)
    assert result.returncode == 2
    assert result.stderr.startswith(
        "postgresql+psycopg://ada:***@127.0.0.1:1/postgres: cannot be opened: "
    )
    assert result.stderr.count("\n") == 1
    assert not (project.root / "studies/study").exists()
