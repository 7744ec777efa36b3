"""Secrets: planted in everything that a start looks at, found in nothing that it leaves."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Project

from search.errors import StudyFileError
from search.store.provenance.redaction import (
    looks_secret,
    redacted_command,
    redacted_diff,
    refuse_secrets,
)
from search.study_file.load import parse_study_tree

# one of each kind; the marker is what is looked for afterwards
VARIABLES = {
    "MYSQL_PWD": "planted-mysql-1",
    "SSHPASS": "planted-ssh-2",
    "DB_PASS": "planted-db-3",
    "REGISTRY_AUTH": "planted-auth-4",
    "SENTRY_DSN": "planted-dsn-5",
    "DEPLOY_KEY": "planted-line-6\nplanted-line-7",
}
CONFIG = """
password: planted-yaml-10
db:
  api_key: "planted-quoted-11"
header: "Authorization: Bearer planted.bearer-12"
url: postgresql://me:planted-url-13@host/db
query: https://host/?token=planted-query-14
aws_secret_access_key = planted15planted15planted15planted15plan
hub: hf_planted16planted16planted16planted16
git: ghp_planted17planted17planted17planted1730
"""
PROGRAM = """
API_TOKEN = "planted-python-20"
headers = {"Authorization": f"Bearer planted21planted21"}
KEY = '''-----BEGIN RSA PRIVATE KEY-----
planted22planted22
-----END RSA PRIVATE KEY-----'''
variables = ["planted-mysql-1", "planted-ssh-2", "planted-db-3", "planted-auth-4",
             "planted-dsn-5", "planted-line-7"]
"""
SECRET_FILES = (".env", "deploy.pem", "id_rsa", ".netrc", "credentials.json", "sub/kubeconfig")


def git(root: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=A", "-c", "user.email=a@b.c"]
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture
def planted(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project under git whose changes, environment and command line are full of secrets."""
    root = project.root
    (root / "sub").mkdir()
    for name in ("conf.yaml", "keys.py", *SECRET_FILES):
        (root / name).write_text("before\n")
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "first")
    (root / "conf.yaml").write_text(CONFIG + "width: 128\n")
    (root / "keys.py").write_text(PROGRAM + "width = 128\n")
    for name in SECRET_FILES:
        (root / name).write_text("planted-file-30\n")
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    return project


def files(*roots: Path) -> Iterator[Path]:
    for root in roots:
        yield root
        yield from root.rglob("*")


def test_secrets_are_in_nothing_that_a_study_leaves(planted: Project) -> None:
    study = planted.study(trainer={"max_epochs": 1, "accelerator": "cpu"}, budget={"trials": 1})
    said = [planted.run("run", study), planted.run("export", "-s", "study", "exported")]
    said += [planted.run("show", "0", "--json"), planted.run("report")]
    assert [each.returncode for each in said] == [0] * 4, said[0].stderr
    exported, stored = planted.root / "exported", planted.root / "studies/study"
    for path in files(stored, exported):
        assert path.is_dir() or b"planted" not in path.read_bytes(), path
    assert "planted" not in "".join(each.stdout + each.stderr for each in said)
    for path in files(exported, stored / "trials", stored / "provenance.json"):
        closed = 0o700 if path.is_dir() else 0o600
        inside = path.is_relative_to(stored / "trials/0000") and path != stored / "trials/0000"
        assert inside or path.stat().st_mode & 0o777 == closed, path
    for name in ("study.yaml", "study.db", "events.jsonl", "server.log", "report.html"):
        assert (stored / name).stat().st_mode & 0o777 == 0o600, name
    state = json.loads((stored / "provenance.json").read_text())[0]["git"]
    assert state["left_out"] == sorted(SECRET_FILES)
    assert "+width: 128" in state["diff"]
    assert "+width = 128" in state["diff"]
    assert not any(f"a/{name}" in state["diff"] for name in SECRET_FILES)


@pytest.mark.parametrize(
    "value",
    [
        "--token=planted-option-40",
        "postgresql://me:planted-url-41@host/db",
        "ghp_planted42planted42planted42planted4230",
        "the planted-mysql-1 of the environment",
    ],
)
def test_secret_in_a_study_file_is_refused_before_it_is_written_down(
    planted: Project, value: str
) -> None:
    study = planted.study()
    result = planted.run("run", study, "--set", f"model.init_args.mode={value}")
    assert result.returncode == 2
    assert result.stderr == (
        f"{study}: model.init_args.mode: is or holds a secret, and a study writes its "
        "configuration down. Let the code read it from the environment.\n"
    )
    assert not (planted.root / "studies").exists()


@pytest.mark.parametrize(
    ("sections", "place"),
    [
        ({"arguments": {"--api-key": "hunter2hunter"}}, "arguments.--api-key"),
        ({"arguments": {"--wandb_key": "hunter2hunter"}}, "arguments.--wandb_key"),
        ({"arguments": {"--api-key/--key": "hunter2hunter"}}, "arguments.--api-key/--key"),
        ({"arguments": {"+wandb.api_key": "hunter2hunter"}}, "arguments.+wandb.api_key"),
        ({"arguments": {"++db.password": "hunter2hunter"}}, "arguments.++db.password"),
        ({"arguments": {"--keys": ["a", f"ghp_{'planted17' * 4}"]}}, "arguments.--keys.1"),
        ({"hydra": {"overrides": ["a=1", "wandb.api_key=hunter2hunter"]}}, "hydra.overrides.1"),
    ],
)
def test_secret_on_the_command_line_of_a_script_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch, sections: dict[str, object], place: str
) -> None:
    monkeypatch.chdir(project.root)
    Path("train.py").write_text("")
    tree = {"script": "train.py", "space": {"--lr": {"float": [0.1, 1]}}, "objective": "val_loss"}
    with pytest.raises(StudyFileError) as caught:
        refuse_secrets(parse_study_tree(tree | sections, source="s", default_name="s"), "s")
    assert str(caught.value) == (
        f"s: {place}: is or holds a secret, and a study writes its configuration down. "
        "Let the code read it from the environment."
    )


def test_arguments_of_a_script_that_are_no_secrets_stay(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    Path("train.py").write_text("")
    arguments = {"--tokens": "bert", "--data-dir": "./data", "--keyframes": "4", "--layers": [1, 2]}
    tree = {"script": "train.py", "space": {"--lr": {"float": [0.1, 1]}}, "objective": "val_loss"}
    given = tree | {"arguments": arguments}
    refuse_secrets(parse_study_tree(given, source="s", default_name="s"), "s")


def test_what_is_no_secret_stays() -> None:
    lines = (
        "+max_tokens: 512\n+pad_token_id: 0\n+class_path: models.LitAutoEncoder\n"
        "+tokenizer: bert-base-uncased\n+monitor: val_loss\n+by_pass_filter: [1, 2]\n"
    )
    diff = f"diff --git a/c.yaml b/c.yaml\nindex 0123456789abcdef..fedcba9876543210\n{lines}"
    assert redacted_diff(diff) == diff
    program = (
        "diff --git a/c.py b/c.py\n+    self.token = token\n+    api_key = get_key(self.auth)\n"
        "+    password = os.environ['DB']\n"
    )
    assert redacted_diff(program) == program
    for text in ("cls", "[CLS]", "val_loss", "models.LitAutoEncoder", "sqlite:///x.db", "1e-3"):
        assert not looks_secret(text)


def test_command_line_is_told_without_secrets() -> None:
    words = ["search", "--set", "model.x=--token=planted-1", "--password", "planted-2", "--trials"]
    assert redacted_command(words) == [
        *("search", "--set", "model.x=--token=***", "--password", "***", "--trials")
    ]


@pytest.mark.parametrize("text", ["a_", "password", "-", "=", "pass:", "--token="])
def test_strange_diff_takes_no_minutes(text: str) -> None:
    # the time limit of a test is the assertion
    line = text * (100_000 // len(text))
    assert redacted_diff(f"diff --git a/c.yaml b/c.yaml\n+{line}\n")
