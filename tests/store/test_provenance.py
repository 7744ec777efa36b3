"""What a study was made with, from real git repositories in every state."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from faults.invariant import SECRET

from search.layout import StudyFolder
from search.store.provenance.git import MAX_BYTES, project_state
from search.store.provenance.record import gather, note_start, read_provenance, summary


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init", "--quiet")
    (root / "net.py").write_text("WIDTH = 1\n")
    return root


def git(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout


def commit(root: Path) -> str:
    git(root, "add", "net.py")
    git(root, "commit", "--quiet", "--message", "first")
    return git(root, "rev-parse", "HEAD").strip()


def made(root: Path) -> dict[str, Any]:
    return gather(
        class_paths=["net.Net", "yaml.Loader"],
        folders=[root],
        study=root / "studies/study",
        seed=1,
        trial_seed=2,
        cores=3,
    )


def test_repository_in_every_state(repository: Path, tmp_path: Path) -> None:
    def state() -> dict[str, Any]:
        found = project_state([tmp_path, repository], repository / "studies/study")
        assert found is not None
        return found

    assert project_state([tmp_path], tmp_path / "study") is None
    assert (state()["revision"], state()["files"], state()["diff"]) == (None, ["?? net.py"], "")
    revision = commit(repository)
    assert (state()["revision"], state()["files"], state()["diff"]) == (revision, [], "")

    (repository / "net.py").write_text("WIDTH = 2\n")
    (repository / "studies/study").mkdir(parents=True)
    (repository / "studies/study/log.txt").write_text("not of the project")
    assert state()["files"] == [" M net.py"]
    assert "-WIDTH = 1\n+WIDTH = 2\n" in state()["diff"]
    assert state()["diff_is_whole"]

    (repository / "net.py").write_text("x = 'ü'\n" * MAX_BYTES)
    assert not state()["diff_is_whole"]
    assert MAX_BYTES // 2 < len(state()["diff"].encode()) <= MAX_BYTES + 3


@pytest.mark.real
def test_later_start_adds_only_what_differs(repository: Path, tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "study")
    folder.root.mkdir()
    first, second = made(repository), made(repository)
    note_start(folder, first)
    note_start(folder, second)
    revision = commit(repository)
    note_start(folder, third := made(repository))
    entries = json.loads(folder.provenance.read_text())
    assert entries[0] == first
    assert list(entries[1]) == ["time"]
    assert entries[2]["git"] == {"revision": revision, "files_changed": 0, "files": []}
    assert read_provenance(folder) == third
    assert folder.provenance.stat().st_mode & 0o777 == 0o600
    assert first["packages"]["PyYAML"]
    assert (first["seed"], first["trial_seed"], first["machine"]["cores"]) == (1, 2, 3)
    assert dict(summary(third))["project"] == f"git {revision[:12]}, 0 changed or new files"


def test_secrets_and_passwords_are_taken_out(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(repository)
    (repository / "net.py").write_text(f"KEY = '{SECRET}'\n")
    monkeypatch.setenv("WANDB_API_KEY", SECRET)
    urls = ["postgresql+psycopg://me:hunter22@host/db", "--storage=mysql://h/db?password=hunter22"]
    monkeypatch.setattr(sys, "argv", ["/usr/bin/search", "run", *urls])
    folder = StudyFolder(tmp_path / "study")
    folder.root.mkdir()
    note_start(folder, made(repository))
    text = folder.provenance.read_text()
    assert SECRET not in text
    assert "hunter22" not in text
    assert json.loads(text)[0]["command"] == [
        "search",
        "run",
        "postgresql+psycopg://me:***@host/db",
        "--storage=mysql://h/db?password=***",
    ]


def test_damaged_file_is_written_anew(repository: Path, tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "study")
    folder.root.mkdir()
    folder.provenance.write_text('[{"time": ')
    assert read_provenance(folder) is None
    note_start(folder, first := made(repository))
    assert read_provenance(folder) == first


def test_strange_file_of_somebody_else_is_told_all_the_same(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path)
    folder.provenance.write_text('[{"git": 3, "machine": {"gpus": [[1]], "memory_bytes": "x"}}]')
    found = read_provenance(folder)
    assert found is not None
    assert dict(summary(found)) == {
        "packages": "",
        "project": "not under git",
        "machine": "None cores, 1 x [1]",
        "command": "",
    }
